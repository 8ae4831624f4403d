"""Markdown (CommonMark with tables), through markdown-it-py."""

from typing import BinaryIO

from markdown_it import MarkdownIt
from markdown_it.token import Token

from ondol.retrieval.document import Builder, Document
from ondol.retrieval.limits import ReadLimits
from ondol.retrieval.readers.decoding import decode

_VERBATIM = ("code_block", "fence")


def read(file: BinaryIO, limits: ReadLimits) -> Document:
    """Read a Markdown file; marks such as `**` and links' addresses are left out."""
    tokens = MarkdownIt("commonmark").enable("table").parse(decode(file.read()))
    built = Builder()
    level, row = 0, list[str]()
    in_row = False
    for token in tokens:
        if token.type == "heading_open":
            level = int(token.tag[1:])
        elif token.type == "heading_close":
            level = 0
        elif token.type == "tr_open":
            row, in_row = [], True
        elif token.type == "tr_close":
            built.row(row)
            in_row = False
        elif token.type == "inline":
            text = _text(token)
            if level:
                built.heading(level, text)
            elif in_row:
                row.append(text)
            else:
                built.add(text)
        elif token.type in _VERBATIM:
            built.add(token.content)
    return built.done()


def _text(token: Token) -> str:
    breaks = {"softbreak": "\n", "hardbreak": "\n"}
    shown = ("text", "code_inline", "image")
    return "".join(
        breaks.get(child.type, child.content if child.type in shown else "")
        for child in token.children or ()
    )
