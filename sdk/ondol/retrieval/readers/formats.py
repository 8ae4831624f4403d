"""The table of formats: which module reads files of which name, and what installs it."""

from collections.abc import Callable
from importlib import import_module
from pathlib import PurePath
from typing import BinaryIO

from ondol.errors import MissingExtra, OndolError
from ondol.language import say
from ondol.retrieval.document import Document
from ondol.retrieval.errors import EmptyDocument, UnknownFormat
from ondol.retrieval.limits import LIMITS, ReadLimits, corrupt, too_large

Reader = Callable[[BinaryIO, ReadLimits], Document]
"""What a module of a format has as `read`: a file at its start, and how much may be read."""

FORMATS = {
    ".docx": "docx",
    ".htm": "html",
    ".html": "html",
    ".hwp": "hwp",
    ".hwpx": "hwpx",
    ".markdown": "markdown",
    ".md": "markdown",
    ".pdf": "pdf",
    ".text": "txt",
    ".txt": "txt",
    ".xhtml": "html",
}
"""Modules of this package by the ending of a file's name."""


def known(name: str) -> bool:
    """Whether a file of this name is one that can be read."""
    return PurePath(name).suffix.lower() in FORMATS


def read(file: BinaryIO, name: str, limits: ReadLimits = LIMITS) -> Document:
    """Read a document.

    Args:
        file: at its start.
        name: its name; the ending says the format.
        limits: how much is read at most.

    Raises:
        UnknownFormat: if no module reads files of this name.
        MissingExtra: if the library that reads it is not installed.
        DocumentError: if it cannot be read: damaged, encrypted, too large or without text.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix not in FORMATS:
        raise UnknownFormat(
            say(f"Files of this kind are not read: {name}", f"읽을 수 없는 종류의 파일: {name}"),
            say("Known endings: ", "아는 확장자: ") + " ".join(sorted(FORMATS)),
            say("Save it as one of these.", "이 가운데 하나로 저장하세요."),
        )
    try:
        reader: Reader = import_module(f"ondol.retrieval.readers.{FORMATS[suffix]}").read
    except ModuleNotFoundError as exc:
        raise MissingExtra(
            say(f"{suffix} needs {exc.name}.", f"{suffix} 문서에는 {exc.name}이(가) 필요합니다."),
            say("It is not installed.", "설치되어 있지 않습니다."),
            'pip install "ondol[documents]"',
        ) from exc
    try:
        document = reader(file, limits)
    except (OndolError, MemoryError):
        raise
    except RecursionError as exc:
        raise corrupt(say("It is nested too deep.", "너무 깊이 중첩되어 있습니다.")) from exc
    except Exception as exc:  # readers of damaged files raise whatever they stumble over
        raise corrupt(f"{type(exc).__name__}: {exc}"[:300]) from exc
    return _whole(document, limits)


def _whole(document: Document, limits: ReadLimits) -> Document:
    length = sum(len(block.text) + 1 for block in document.blocks)
    if length > limits.characters:
        raise too_large(
            say(f"{length} characters", f"{length}자"),
            say(f"{limits.characters} characters", f"{limits.characters}자"),
        )
    if not document.blocks:
        raise EmptyDocument(
            say("The document has no text.", "문서에 글이 없습니다."),
            say(
                "It is empty, or its pages are pictures.",
                "비어 있거나, 쪽이 모두 그림인 문서입니다.",
            ),
            say("Of scanned pages, make text first.", "스캔한 쪽은 먼저 글자로 바꾸세요."),
        )
    return document
