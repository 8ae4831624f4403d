"""Which characters may stand in text that is NFC whatever stands beside them.

Conjoining jamo are none of them, so Hangul is whole syllables, and no combining mark is: the
order of two would matter. What is left stays as it is (Unicode Standard Annex 15, the
quick-check property of NFC, with "maybe" taken as "no").
"""

import unicodedata
from functools import cache

_JAMO = ((0x1100, 0x11FF), (0xA960, 0xA97F), (0xD7B0, 0xD7FF))
_FIRST, _LAST = 0x300, 0x2FFFF  # beyond these no character composes or has another form


@cache
def excluded() -> str:
    """The characters left out, as they stand inside the brackets of a regex's class."""
    found = {code for low, high in _JAMO for code in range(low, high + 1)}
    for code in range(_FIRST, _LAST + 1):
        if 0xD800 <= code <= 0xDFFF:
            continue
        char = chr(code)
        if unicodedata.combining(char) or not unicodedata.is_normalized("NFC", char):
            found.add(code)
    for code in range(0x80, _LAST + 1):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(int(parts[1], 16))
    return "".join(_ranges(sorted(found - set(range(0x80)))))


def free_text() -> str:
    """A regex of any text, line breaks too, that is NFC."""
    return f"[^{excluded()}]*"


def _ranges(codes: list[int]) -> list[str]:
    made: list[list[int]] = []
    for code in codes:
        if made and made[-1][1] == code - 1:
            made[-1][1] = code
        else:
            made.append([code, code])
    return [rf"\u{{{low:X}}}-\u{{{high:X}}}" for low, high in made]
