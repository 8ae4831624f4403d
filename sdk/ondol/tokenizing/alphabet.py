"""Patterns over categories of characters (`\\p{L}`), run by `re`, which knows none.

Characters that a pattern cannot tell apart become one symbol. The pattern is written anew over
symbols, a text is translated to symbols, and `re` finds the same places in it.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from ondol.tokenizing.characters import CATEGORIES, WHITE_SPACE, Categories

Range = tuple[int, int]

_FIRST_SYMBOL = 0x4E00  # letters, so that none means anything to `re`
_MOST_KNOWN = 1 << 14
_ESCAPES = {"r": "\r", "n": "\n", "t": "\t"}
_FOLDS = {"s": "sSſ", "k": "kK\u212a"}
_GROUP = re.compile(r"\(\?(?:[:!=]|i:)")


@dataclass(frozen=True, slots=True)
class _Set:
    """Characters by range, first and last, and by category."""

    ranges: tuple[Range, ...]
    categories: frozenset[str] = frozenset()
    negated: bool = False

    def within(self, code: int) -> bool:
        return any(low <= code <= high for low, high in self.ranges)


class Alphabet(dict[int, str]):
    """Symbols of characters, for `str.translate`; filled as characters are met.

    Args:
        pattern: in the part of Oniguruma's syntax that `ondol.tokenizing.patterns` uses.
        categories: what the characters are.

    Raises:
        ValueError: if the pattern holds anything else.
    """

    def __init__(self, pattern: str, categories: Categories) -> None:
        super().__init__()
        self._categories = categories
        parts = list(_parts(pattern))
        sets = list(dict.fromkeys(part for part in parts if isinstance(part, _Set)))
        edges = {edge for s in sets for low, high in s.ranges for edge in (low, high + 1)}
        self._cuts = sorted(edges | {0})
        # Which sets name a character itself is the same from one cut to the next
        self._named = [tuple(s.within(cut) for s in sets) for cut in self._cuts]
        self._symbols: dict[tuple[tuple[bool, ...], int], str] = {}
        seen: dict[tuple[bool, ...], str] = {}
        for named in dict.fromkeys(self._named):
            for number, category in enumerate(CATEGORIES):
                told = tuple(
                    (name or category in s.categories) != s.negated
                    for name, s in zip(named, sets, strict=True)
                )
                symbol = seen.setdefault(told, chr(_FIRST_SYMBOL + len(seen)))
                self._symbols[named, number] = symbol
        members = {
            s: "".join(symbol for told, symbol in seen.items() if told[at])
            for at, s in enumerate(sets)
        }
        empty = "(?!)"
        self._pattern = re.compile(
            "".join(
                part if isinstance(part, str) else f"[{members[part]}]" if members[part] else empty
                for part in parts
            )
        )
        if self._pattern.fullmatch(""):
            raise ValueError("a pattern of nothing")

    def __missing__(self, code: int) -> str:
        if len(self) > _MOST_KNOWN:
            self.clear()
        named = self._named[bisect_right(self._cuts, code) - 1]
        found = self[code] = self._symbols[named, self._categories.number(code)]
        return found

    def spans(self, text: str) -> list[Range]:
        """Where the pattern matches, from left to right: start and end of each."""
        return [found.span() for found in self._pattern.finditer(text.translate(self))]


def _parts(pattern: str) -> Iterator[str | _Set]:
    """A pattern as sets of characters and what stands between them."""
    at, folds = 0, [False]
    while at < len(pattern):
        char = pattern[at]
        if char == "(":
            group = _GROUP.match(pattern, at)
            opening = group[0] if group else "("
            folds.append(folds[-1] or opening == "(?i:")
            yield "(?:" if opening in ("(?i:", "(") else opening
            at += len(opening)
        elif char in "|?*+)":
            if char == ")":
                folds.pop()
            yield char
            at += 1
        elif char == "{":
            end = pattern.index("}", at) + 1
            yield pattern[at:end]
            at = end
        elif char == "[":
            found, at = _class(pattern, at + 1)
            yield found
        elif char in ".^$":
            raise ValueError(f"{char} in a pattern")
        else:
            found, at = _one(pattern, at)
            if folds[-1] and char.isalpha():
                found = _Set(tuple(_single(each) for each in _folded(char)))
            yield found


def _folded(char: str) -> str:
    return _FOLDS.get(char.lower(), char.lower() + char.upper())


def _single(char: str) -> Range:
    return ord(char), ord(char)


def _one(pattern: str, at: int) -> tuple[_Set, int]:
    """A character or an escape, and the place after it."""
    if pattern[at] != "\\":
        return _Set((_single(pattern[at]),)), at + 1
    kind = pattern[at + 1]
    if kind == "p":
        end = pattern.index("}", at)
        name = pattern[at + 3 : end]
        named = frozenset(each for each in CATEGORIES if each.startswith(name))
        if not named or not 1 <= len(name) <= 2:
            raise ValueError(f"no category {name}")
        return _Set((), named), end + 1
    if kind in "sS":
        return _Set(WHITE_SPACE, negated=kind == "S"), at + 2
    if kind.isalnum() and kind not in _ESCAPES:
        raise ValueError(f"\\{kind} in a pattern")
    return _Set((_single(_ESCAPES.get(kind, kind)),)), at + 2


def _class(pattern: str, at: int) -> tuple[_Set, int]:
    """A class in brackets, from behind the first, and the place after it."""
    negated = pattern[at] == "^"
    at += negated
    ranges: list[Range] = []
    categories: frozenset[str] = frozenset()
    while pattern[at] != "]":
        if pattern[at] == "[":
            raise ValueError("a class in a class")
        one, at = _one(pattern, at)
        if one.negated:
            raise ValueError("not a white space in a class")
        if pattern[at] == "-" and pattern[at + 1] != "]":
            last, at = _one(pattern, at + 1)
            one = _Set(((one.ranges[0][0], last.ranges[0][1]),))
        ranges += one.ranges
        categories |= one.categories
    return _Set(tuple(ranges), categories, negated), at + 1
