"""A text as the rules read it, and where each of its characters was in the text given.

Rules see composed Hangul (NFC), ASCII digits, one kind of hyphen and of space, and nothing that
takes no room on a line, so that no spelling of a number hides it.
"""

import re
import unicodedata
from array import array
from dataclasses import dataclass

DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2043\u207b\u3161\u30fc\uff70\u2500\u2501"
"""What people type for a hyphen, a lone ㅡ among them."""

SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f"
SPACES += "\u205f\u3000\t"

_PLAIN = re.compile(r"[\x00-\x08\x0a-\x7e가-힣…·‘’“”]*")
_SAME = {ord(each): "-" for each in DASHES} | {ord(each): " " for each in SPACES}
_SAME |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_FILLERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufe0e\ufe0f")


@dataclass(frozen=True, slots=True)
class Folded:
    """The text that rules read; character i of it was at `starts[i]` to `ends[i]`.

    Both are None where nothing moved.
    """

    text: str
    starts: "array[int] | None" = None
    ends: "array[int] | None" = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of it, not empty, was in the text given."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def fold(text: str) -> Folded:
    """A text of any spelling as rules read it, in time linear in its length."""
    if _PLAIN.fullmatch(text):
        return Folded(text)
    kept, places = [], array("q")
    for at, character in enumerate(text):
        same = character if character.isascii() else _same(character)
        if same:
            kept.append(same)
            places.append(at)
    return _composed(kept, places)


def _same(character: str) -> str:
    """What a rule reads for one character; empty where it takes no room."""
    if "가" <= character <= "힣":
        return character
    found = _SAME.get(ord(character))
    if found:
        return found
    if character in _FILLERS or unicodedata.category(character) in ("Cf", "Me"):
        return ""
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


def _composed(kept: list[str], places: "array[int]") -> Folded:
    """Runs of a character and what composes with it, put together."""
    pieces, starts, ends = [], array("q"), array("q")
    at = 0
    while at < len(kept):
        end = at + 1
        while end < len(kept) and _joins(kept[end - 1], kept[end]):
            end += 1
        piece = kept[at]
        if end - at > 1 and (piece.isalpha() or not piece.isascii()):  # a struck digit stays one
            piece = unicodedata.normalize("NFC", "".join(kept[at:end]))
        pieces.append(piece)
        for _ in piece:
            starts.append(places[at])
            ends.append(places[end - 1] + 1)
        at = end
    return Folded("".join(pieces), starts, ends)


def _joins(before: str, character: str) -> bool:
    """Whether a character may become one with what stands before it."""
    if character < "\u0300" or "가" <= character <= "힣":
        return False
    if "\u1161" <= character <= "\u11ff" or unicodedata.combining(character) != 0:
        return True
    return not unicodedata.is_normalized("NFC", before + character)
