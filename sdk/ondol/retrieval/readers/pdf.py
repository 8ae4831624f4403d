"""PDF, through pypdf: text page by page, headings from the file's outline."""

from collections.abc import Iterator
from typing import BinaryIO

from pypdf import PdfReader
from pypdf.errors import DependencyError
from pypdf.generic import Destination

from ondol.language import say
from ondol.log import only_errors
from ondol.retrieval.document import Builder, Document
from ondol.retrieval.limits import ReadLimits, encrypted, too_large
from ondol.retrieval.readers.lines import joined

MOST_DEEP = 12

only_errors("pypdf")


def read(file: BinaryIO, limits: ReadLimits) -> Document:
    """Read a PDF's text; lines of a paragraph that the page's width broke are joined."""
    reader = PdfReader(file)
    if reader.is_encrypted:
        _unlock(reader)
    built = Builder()
    outline = list(_headings(reader, reader.outline, ()))
    path: tuple[str, ...] = ()
    characters = 0
    for number, page in enumerate(reader.pages):
        built.page = number + 1
        for at, found in outline:
            path = found if at == number else path
        built.under(path)
        text = page.extract_text()
        characters += len(text)
        if characters > limits.characters:
            most = limits.characters
            raise too_large(
                say("its text", "글이 너무 깁니다"), say(f"{most} characters", f"{most}자")
            )
        for paragraph in joined(text):
            built.add(paragraph)
    metadata = reader.metadata
    title = (metadata.title if metadata else None) or ""
    built.title = " ".join(title.split()) or built.title
    return built.done()


def _unlock(reader: PdfReader) -> None:
    """Open a file that only its owner's password locks, which everyone may read."""
    try:
        opened = reader.decrypt("")
    except DependencyError as exc:
        raise encrypted(str(exc)) from exc
    if not opened:
        raise encrypted(say("It asks for a password.", "암호를 묻습니다."))


def _headings(
    reader: PdfReader, entries: object, above: tuple[str, ...]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Pages, from 0, and the headings that begin there, in the outline's order."""
    path = above
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, list):
            if len(path) < MOST_DEEP:
                yield from _headings(reader, entry, path)
        elif isinstance(entry, Destination):
            number = reader.get_destination_page_number(entry)
            path = (*above, " ".join((entry.title or "").split()))
            if number is not None:
                yield number, path
