"""Where the sentences of a Korean text begin and end."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

Span = tuple[int, int]
Splitter = Callable[[str], list[Span]]
"""A text to the places of its sentences, in order, without the white space between."""

_CLOSING = "\"'”’」』)\\]】〉》"
_END = re.compile(rf"[.!?…。！？]+[{_CLOSING}]*(?=\s|$)|(?<=[다요죠까음함됨임])[{_CLOSING}]*(?=\n)")
_NO_END = re.compile(
    r"(?:^|[\s(])(?:\d{1,3}|[A-Za-z가-힣]|e\.g|i\.e|etc|vs|cf|No|Mr|Mrs|Ms|Dr|Prof|St|Fig)\.$"
)
"""What stands before a full stop that ends no sentence: list numbers, initials, abbreviations."""


@cache
def splitter() -> Splitter:
    """The best way of finding sentences that is installed here; loads its model once."""
    try:
        from kiwipiepy import Kiwi
    except ModuleNotFoundError:
        return by_rule
    kiwi = Kiwi()

    def by_kiwi(text: str) -> list[Span]:
        found: Any = kiwi.split_into_sents(text)
        return [(each.start, each.end) for each in found if each.end > each.start]

    return by_kiwi


def by_rule(text: str) -> list[Span]:
    """Places of a text's sentences by their full stops, and by line breaks after Korean endings."""
    return [span for span in _trimmed(text, _cuts(text)) if span[1] > span[0]]


def _cuts(text: str) -> Iterator[int]:
    for found in _END.finditer(text):
        before = text[max(0, found.start() - 6) : found.start() + 1]
        if not (found[0].startswith(".") and _NO_END.search(before)):
            yield found.end()
    yield len(text)


def _trimmed(text: str, cuts: Iterator[int]) -> Iterator[Span]:
    start = 0
    for end in cuts:
        while start < end and text[start].isspace():
            start += 1
        last = end
        while last > start and text[last - 1].isspace():
            last -= 1
        yield start, last
        start = end
