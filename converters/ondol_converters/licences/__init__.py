"""Licences as data: which there are, which models come under them, and what a source says."""
