"""GPT-2's letters for bytes: how byte-level vocabularies write their tokens."""

_SHOWN = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))
_HIDDEN = tuple(byte for byte in range(256) if byte not in _SHOWN)

LETTERS: dict[int, str] = {byte: chr(byte) for byte in _SHOWN}
"""The letter of each byte."""
LETTERS.update({byte: chr(256 + place) for place, byte in enumerate(_HIDDEN)})

_CODES = {letter: bytes([byte]) for byte, letter in LETTERS.items()}


def byte_level(text: str) -> bytes:
    """The bytes that a token of a byte-level vocabulary is spelt for."""
    return b"".join(_CODES.get(char) or char.encode("utf-8") for char in text)
