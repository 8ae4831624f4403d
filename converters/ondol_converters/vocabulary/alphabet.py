"""Which characters Korean and English need, and which tokens are made of nothing else."""

from dataclasses import dataclass
from functools import cached_property

from ondol.scripts import script_of

LAST_LATIN = 0xFF  # English writes café and naïve; what lies beyond is of other languages
HANJA_PLANES = 0x32000
COMMON_PLANES = 0x20000


@dataclass(frozen=True)
class Alphabet:
    """Hangul, the Latin of English, digits, symbols, emoji, white space; Hanja where asked for.

    A Greek letter is a sign (μ, π, Σ), two in a row are Greek. The rule holds for every part of
    a text for which it holds, so that all of a text's possible tokens are kept, or the text is
    none of these.
    """

    hanja: bool = False

    def has(self, character: str) -> bool:
        """Whether a character is one of them; a Greek letter is."""
        script = script_of(character)
        if script == "latin":
            return ord(character) <= LAST_LATIN or "\uff01" <= character <= "\uff5e"
        return script in ("hangul", "common", "greek") or (self.hanja and script == "han")

    def spells(self, text: str) -> bool:
        """Whether a text is made of these characters, without two Greek letters in a row."""
        if text.isascii():
            return True
        if not all(map(self.has, text)):
            return False
        greek = [script_of(character) == "greek" for character in text]
        return not any(a and b for a, b in zip(greek, greek[1:], strict=False))

    def spells_bytes(self, data: bytes) -> bool:
        """Whether bytes can be a part of such a text in UTF-8, cut anywhere, even in characters."""
        if data.isascii():
            return True
        start = next((i for i, byte in enumerate(data) if byte & 0xC0 != 0x80), len(data))
        end = len(data)
        try:
            text = data[start:].decode()
        except UnicodeDecodeError as exc:
            if exc.reason != "unexpected end of data":
                return False
            end = start + exc.start
            text = data[start:end].decode()
        edges = data[:start], data[end:]
        return all(not edge or edge in self._fragments for edge in edges) and self.spells(text)

    @cached_property
    def _fragments(self) -> frozenset[bytes]:
        """Every part of these characters' UTF-8 that is not whole."""
        found: set[bytes] = set()
        for code in range(0x80, HANJA_PLANES if self.hanja else COMMON_PLANES):
            if 0xD800 <= code < 0xE000 or not self.has(chr(code)):
                continue
            data = chr(code).encode()
            size = len(data)
            found.update(data[i:j] for i in range(size) for j in range(i + 1, size + 1))
        return frozenset(found)
