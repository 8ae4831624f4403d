"""Normal forms of text: composed syllables, half-width signs, jamo typed one by one."""

import unicodedata

from ondol.hangul.given import given
from ondol.hangul.jamo import compose

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_VOWELS_AND_CODAS = range(0x1160, 0x1200)


def normalise(text: str, *, width: bool = True, jamo: bool = False) -> str:
    """A text in NFC (UAX #15), with ASCII where full-width forms of it stood.

    Args:
        text: in any normal form.
        width: whether full-width letters, digits and signs (Ａ１！) and the ideographic space
            become ASCII, and half-width jamo (ﾡ) compatibility jamo.
        jamo: whether compatibility jamo typed one by one (ㅎㅏㄴ) become syllables; what makes
            none (ㅋㅋ) stays.

    Raises:
        OptionError: if it is no text.
    """
    made = given(text)
    if width:
        made = "".join(_narrow(char) for char in made.translate(_WIDE))
    return compose(made) if jamo else made


def _narrow(char: str) -> str:
    if not "\uffa0" <= char <= "\uffdc":
        return char
    # NFKC goes past the compatibility jamo to a conjoining one; one step stops at it
    code = unicodedata.decomposition(char).partition(" ")[2]
    return chr(int(code, 16)) if code else char


def composed(text: str) -> tuple[str, list[int]]:
    """A text in NFC, and for each of its characters the place in the text it came from.

    Characters that compose point to the first of them.

    Raises:
        OptionError: if it is no text.
    """
    whole = given(text)
    if whole == text:
        return text, list(range(len(text)))
    made: list[str] = []
    places: list[int] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and not _begins(text[end]):
            continue
        part = unicodedata.normalize("NFC", text[start:end])
        made.append(part)
        places += [start] * len(part)
        start = end
    return "".join(made), places


def _begins(char: str) -> bool:
    """Whether nothing in front of a character can compose with it."""
    return ord(char) not in _VOWELS_AND_CODAS and not unicodedata.category(char).startswith("M")
