"""Models from a hub, fetched only when the user says so: `ondol pull hf:OWNER/NAME`.

Nothing else in Ondol opens a socket. `library.py` is the one door to `huggingface_hub`.
"""
