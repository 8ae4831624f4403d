"""A document as text: blocks in reading order, each with its page and the headings above it."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

BETWEEN = "\n"
"""What stands between two blocks in a document's text."""

_SPACES = re.compile(r"[^\S\n]+")
_INVISIBLE = dict.fromkeys((0x00AD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF))
_CONTROLS = dict.fromkeys((*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F))


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, table row or heading.

    `page` counts from 1; None where the format or the file has no pages. `headings` are those
    above it, the outermost first; of a heading itself, it is the last.
    """

    text: str
    headings: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document's title and its blocks, in NFC; places count characters of `text`."""

    title: str
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """The whole document: its blocks with a line break between."""
        return BETWEEN.join(block.text for block in self.blocks)


def clean(text: str) -> str:
    """Text in NFC, with single spaces, no control or invisible characters, no empty lines."""
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    plain = plain.translate(_INVISIBLE | _CONTROLS)
    lines = (_SPACES.sub(" ", line).strip() for line in plain.split("\n"))
    return "\n".join(line for line in lines if line)


class Builder:
    """Collects blocks while a reader goes through a document, and keeps the headings in order."""

    def __init__(self) -> None:
        self.page: int | None = None
        self.title = ""
        self._blocks: list[Block] = []
        self._open: list[tuple[int, str]] = []

    def heading(self, level: int, text: str) -> None:
        """Take a heading; what follows is below it.

        Args:
            level: 1 is the outermost.
            text: as it stands in the document.
        """
        text = clean(text).replace("\n", " ")
        if not text:
            return
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        self._open.append((level, text))
        self.title = self.title or text
        self.add(text)

    def under(self, headings: Iterable[str]) -> None:
        """Put what follows below these headings, which stand elsewhere in the document."""
        self._open = [(level, text) for level, text in enumerate(headings, 1)]

    def add(self, text: str) -> None:
        """Take a block; an empty one is none."""
        text = clean(text)
        if text:
            self._blocks.append(Block(text, tuple(each for _, each in self._open), self.page))

    def row(self, cells: Iterable[str]) -> None:
        """Take a table's row."""
        found = [cell for cell in (clean(each).replace("\n", " ") for each in cells) if cell]
        self.add(" | ".join(found))

    def done(self) -> Document:
        """The document of all that was taken."""
        return Document(self.title, tuple(self._blocks))
