"""Which script a character is of: what a vocabulary keeps, and what must not leak into Korean.

Unicode's Script property (UAX #24) as far as it matters here, from the names and blocks that
Python's own tables hold.
"""

import unicodedata
from functools import lru_cache
from typing import Literal

Script = Literal["hangul", "latin", "greek", "han", "kana", "common", "other"]

COMMON_BLOCKS = (
    (0x0000, 0x00BF),  # ASCII and Latin-1 signs
    (0x00D7, 0x00D7),
    (0x00F7, 0x00F7),
    (0x02B0, 0x036F),  # modifiers, combining marks
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x2000, 0x2BFF),  # punctuation, currency, letterlike, arrows, maths, boxes, symbols
    (0x2E00, 0x2E7F),
    (0x3000, 0x303F),  # 「」、。 and their like
    (0x30FB, 0x30FB),
    (0x3200, 0x33FF),  # enclosed and squared
    (0xFE00, 0xFE6F),  # variation selectors, vertical and small forms
    (0xFF00, 0xFFEF),
    (0xFFF9, 0xFFFD),
    (0x1D400, 0x1D7FF),
    (0x1F000, 0x1FBFF),  # emoji and pictographs
    (0xE0000, 0xE01EF),  # tags and variation selectors
)
"""Blocks whose characters are of no script of their own, unless their names say so."""

HANGUL_BLOCKS = (
    (0x1100, 0x11FF),
    (0x302E, 0x302F),
    (0x3131, 0x318E),
    (0xA960, 0xA97C),
    (0xAC00, 0xD7A3),
    (0xD7B0, 0xD7FB),
    (0xFFA1, 0xFFDC),
)
"""Syllables, jamo of every age, half-width ones and tone marks."""

NAMED: tuple[tuple[str, Script], ...] = (
    ("LATIN ", "latin"),
    ("FULLWIDTH LATIN ", "latin"),
    ("FEMININE ORDINAL", "latin"),
    ("MASCULINE ORDINAL", "latin"),
    ("GREEK ", "greek"),
    ("CJK ", "han"),
    ("KANGXI ", "han"),
    ("IDEOGRAPHIC ITERATION", "han"),
    ("IDEOGRAPHIC CLOSING", "han"),
    ("IDEOGRAPHIC NUMBER", "han"),
    ("HIRAGANA ", "kana"),
    ("KATAKANA LETTER", "kana"),
    ("KATAKANA ITERATION", "kana"),
    ("KATAKANA VOICED ITERATION", "kana"),
    ("KATAKANA-HIRAGANA PROLONGED", "kana"),
    ("HALFWIDTH KATAKANA LETTER", "kana"),
    ("HALFWIDTH KATAKANA-HIRAGANA PROLONGED", "kana"),
    ("COMBINING KATAKANA", "kana"),
    ("VERTICAL KANA", "kana"),
)
"""How the names of a script's characters begin."""

LEAKS: tuple[Script, ...] = ("han", "kana")
"""Scripts that small models slip into when they write Korean."""


@lru_cache(1 << 16)
def script_of(character: str) -> Script:
    """The script of one character.

    Digits, punctuation, symbols, emoji, white space and controls are "common", unless they
    stand for a letter (㉠ is "hangul", ㍿ "han"); letters and signs of scripts without a name
    here are "other".
    """
    if is_hangul(character):
        return "hangul"
    name = unicodedata.name(character, "")
    for beginning, script in NAMED:
        if name.startswith(beginning):
            return script
    if not _inside(character, COMMON_BLOCKS):
        return "other"
    # What a compatibility character stands for: NFKC makes it that.
    for part in unicodedata.normalize("NFKC", character):
        if part != character and script_of(part) in ("hangul", "han", "kana", "other"):
            return script_of(part)
    return "common"


def is_hangul(character: str) -> bool:
    """Whether a character is a Hangul syllable, jamo or tone mark."""
    return _inside(character, HANGUL_BLOCKS)


def is_letter(character: str) -> bool:
    """Whether a character is a letter of any script (Unicode category L)."""
    return unicodedata.category(character).startswith("L")


def script_leak(text: str, *, hanja: bool = False) -> float:
    """The share of a text's letters that are Han or kana, 0 to 1; 0 where it has no letters.

    Args:
        text: what a model wrote when asked in Korean.
        hanja: whether Chinese characters are meant to be there; then kana alone count.
    """
    letters = [script_of(character) for character in text if is_letter(character)]
    wrong = letters.count("kana") + (0 if hanja else letters.count("han"))
    return wrong / max(len(letters), 1)


def _inside(character: str, blocks: tuple[tuple[int, int], ...]) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in blocks)
