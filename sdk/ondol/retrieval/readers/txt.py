"""Plain text: paragraphs are parted by empty lines."""

import re
from typing import BinaryIO

from ondol.retrieval.document import Builder, Document
from ondol.retrieval.limits import ReadLimits
from ondol.retrieval.readers.decoding import decode

_EMPTY_LINES = re.compile(r"\n[^\S\n]*\n\s*")


def read(file: BinaryIO, limits: ReadLimits) -> Document:
    """Read a text file in UTF-8, UTF-16 or CP949."""
    text = decode(file.read()).replace("\r\n", "\n").replace("\r", "\n")
    built = Builder()
    for paragraph in _EMPTY_LINES.split(text):
        built.add(paragraph)
    return built.done()
