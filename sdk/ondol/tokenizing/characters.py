"""General categories of characters as ranges (Unicode Standard, section 4.5).

Pythons differ in the Unicode they know, and from the `tokenizers` library. So a table carries
the categories of the library it was made beside, and is split alike by every Python.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

CATEGORIES = (
    *("Cc", "Cf", "Cn", "Co", "Cs", "Ll", "Lm", "Lo", "Lt", "Lu", "Mc", "Me", "Mn", "Nd", "Nl"),
    *("No", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "Sc", "Sk", "Sm", "So", "Zl", "Zp", "Zs"),
)
"""Names in the order in which tables number them."""

_PRIVATE_EDGES = (0xF0000, 0xFFFFE, 0x100000, 0x10FFFE)

Ranges = tuple[tuple[int, str], ...]
"""The first character of each range and its category, the first range beginning at 0."""

WHITE_SPACE = (
    *((0x9, 0xD), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    *((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000)),
)
"""The property White_Space, first and last of each range; stable since Unicode 6.3."""


def telling() -> Iterator[int]:
    """The code points among which every edge between categories lies.

    No Unicode has anything in planes 4 to 13, and 15 and 16 are private but for their last two.
    """
    return chain(range(0x40000), range(0xE0000, 0xE1000), _PRIVATE_EDGES)


def ranges(category: Callable[[str], str] = unicodedata.category) -> Ranges:
    """Every character's category; by default as this Python knows it."""
    return tuple(_runs(category))


def _runs(category: Callable[[str], str]) -> Iterator[tuple[int, str]]:
    last = ""
    for code in telling():
        found = category(chr(code))
        if found != last:
            yield code, found
            last = found


class Categories:
    """Categories looked up in ranges, which may lie in a mapped file.

    Args:
        starts: first characters, rising from 0.
        numbers: for each range a place in `CATEGORIES`.
    """

    def __init__(self, starts: Sequence[int], numbers: Sequence[int]) -> None:
        self._starts, self._numbers = starts, numbers

    def number(self, code: int) -> int:
        """The category of a character, as its place in `CATEGORIES`."""
        return self._numbers[bisect_right(self._starts, code) - 1]
