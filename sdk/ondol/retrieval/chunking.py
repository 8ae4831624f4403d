"""Documents to chunks: a few sentences below one heading, with a sentence of what came before."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ondol.retrieval.document import BETWEEN, Block, Document
from ondol.retrieval.sentences import Span, Splitter, splitter

SIZE = 300
"""Characters that a chunk has at most."""
OVERLAP = 80
"""Characters of the sentences that a chunk shares with the one before, at most."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: `text` is the document's text from `start` to `end`, in characters."""

    start: int
    end: int
    text: str
    headings: tuple[str, ...]
    page: int | None

    @property
    def digest(self) -> bytes:
        """16 bytes by which equal passages below equal headings are known."""
        whole = "\0".join((*self.headings, self.text)).encode()
        return hashlib.blake2b(whole, digest_size=16).digest()


def chunks(
    document: Document, *, size: int = SIZE, overlap: int = OVERLAP, split: Splitter | None = None
) -> Iterator[Chunk]:
    """Cut a document. A heading is in the chunks below it, and no chunk of its own.

    Args:
        document: as a reader gives it.
        size: characters of a chunk at most; a longer sentence is cut between words.
        overlap: characters at most of whole sentences that two chunks of a section share.
        split: finds sentences; None: as `ondol.retrieval.sentences.splitter` says.
    """
    text = document.text
    split = split or splitter()
    section: list[tuple[Span, Block]] = []
    at = 0
    for block in document.blocks:
        if section and section[0][1].headings != block.headings:
            yield from _packed(text, section, size, overlap)
            section = []
        is_heading = bool(block.headings) and block.text == block.headings[-1]
        if not is_heading:
            spans = _short(text, [(at + a, at + b) for a, b in split(block.text)], size)
            section += [(span, block) for span in spans]
        at += len(block.text) + len(BETWEEN)
    yield from _packed(text, section, size, overlap)


def _short(text: str, spans: Sequence[Span], size: int) -> Iterator[Span]:
    for start, end in spans:
        while end - start > size:
            cut = text.rfind(" ", start + size // 2, start + size)
            cut = cut if cut > 0 else start + size
            yield start, cut
            start = cut
            while start < end and text[start].isspace():
                start += 1
        if end > start:
            yield start, end


def _packed(
    text: str, section: Sequence[tuple[Span, Block]], size: int, overlap: int
) -> Iterator[Chunk]:
    first = 0
    while first < len(section):
        start = section[first][0][0]
        last = first
        while last + 1 < len(section) and section[last + 1][0][1] - start <= size:
            last += 1
        block, end = section[first][1], section[last][0][1]
        yield Chunk(start, end, text[start:end], block.headings, block.page)
        following = last + 1
        while (
            following < len(section)
            and following - 1 > first
            and end - section[following - 1][0][0] <= overlap
            and section[following][0][1] - section[following - 1][0][0] <= size
        ):
            following -= 1
        first = following
