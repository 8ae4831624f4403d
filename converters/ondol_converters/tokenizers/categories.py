"""What characters are in the Unicode of the `tokenizers` library, asked of the library itself.

Pythons know other Unicodes. A table that carries the library's categories is split by every
Python as the library would.
"""

import unicodedata
from functools import cache

from ondol.tokenizing.characters import CATEGORIES, Ranges, ranges, telling

_SURROGATES = range(0xD800, 0xE000)


@cache
def library_categories() -> Ranges:
    """Every character's category by `\\p{..}` of the library's patterns."""
    return ranges(_Known().category)


class _Known:
    """This Python's categories, corrected where the library's differ."""

    def __init__(self) -> None:
        import tokenizers

        def left_of(text: str, pattern: str) -> str:
            made = tokenizers.normalizers.Replace(tokenizers.Regex(pattern), "")
            return str(made.normalize_str(text))

        ours: dict[str, list[str]] = {}
        for code in telling():
            if code not in _SURROGATES:
                char = chr(code)
                ours.setdefault(unicodedata.category(char), []).append(char)
        others = "".join(
            left_of("".join(chars), rf"\p{{{category}}}+") for category, chars in ours.items()
        )
        self._others = {
            char: category
            for category in CATEGORIES
            if category != "Cs"
            for char in left_of(others, rf"[^\p{{{category}}}]+")
        }

    def category(self, char: str) -> str:
        return self._others.get(char) or unicodedata.category(char)
