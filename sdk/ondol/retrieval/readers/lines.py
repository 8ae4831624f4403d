"""Lines that a page's width broke, put together to paragraphs again."""

from collections.abc import Iterator

_ENDS = tuple('.!?…。:;)]』」”’"')
_KOREAN_ENDS = tuple("다요음함됨임")
SHORT = 0.7
"""A line of less than this share of the longest line's width ends its paragraph."""


def joined(text: str) -> Iterator[str]:
    """Paragraphs of a page's text.

    Args:
        text: lines as they stand on the page; an empty line parts paragraphs.
    """
    lines = [line.strip() for line in text.splitlines()]
    widest = max(map(len, lines), default=0)
    paragraph: list[str] = []
    for line in lines:
        if line:
            paragraph.append(line)
        if paragraph and (not line or _ends(line, widest)):
            yield " ".join(paragraph)
            paragraph = []
    if paragraph:
        yield " ".join(paragraph)


def _ends(line: str, widest: int) -> bool:
    if len(line) < SHORT * widest:
        return True
    return line.endswith(_ENDS + _KOREAN_ENDS)
