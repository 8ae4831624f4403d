"""Hangul's .hwpx (OWPML, KS X 6101): a zip file of XML, one part to a section."""

import re
import zipfile
from collections.abc import Iterator
from typing import BinaryIO
from xml.etree.ElementTree import Element

from ondol.language import say
from ondol.retrieval.document import Builder, Document
from ondol.retrieval.limits import ReadLimits, corrupt, encrypted, open_zip
from ondol.retrieval.readers.markup import parse
from ondol.retrieval.readers.pages import Pages

_SECTION = re.compile(r"Contents/section(\d+)\.xml", re.IGNORECASE)
_OUTLINE_STYLE = re.compile(r"(?:개요|Outline)\s*(\d+)", re.IGNORECASE)
MOST_DEEP = 60


def read(file: BinaryIO, limits: ReadLimits) -> Document:
    """Read a document; pages are those that Hangul last laid out, where the file says so."""
    with open_zip(file, limits) as packed:
        names = packed.namelist()
        _refuse_encrypted(packed, names)
        numbers = {int(found[1]): name for name in names if (found := _SECTION.fullmatch(name))}
        if not numbers:
            raise corrupt(say("It has no section.", "구역이 없습니다."))
        reader = _Reader(
            _levels(parse(packed, "Contents/header.xml")) if _has_header(names) else {}
        )
        for _, name in sorted(numbers.items()):
            reader.section(parse(packed, name))
        return reader.done()


def _has_header(names: list[str]) -> bool:
    return "Contents/header.xml" in names


def _refuse_encrypted(packed: zipfile.ZipFile, names: list[str]) -> None:
    manifest = "META-INF/manifest.xml"
    if manifest in names and any(
        _name(each) == "encryption-data" for each in parse(packed, manifest).iter()
    ):
        raise encrypted(say("Its manifest says so.", "문서의 목록에 암호 정보가 있습니다."))


def _levels(header: Element) -> dict[tuple[str, str], int]:
    """Heading levels by ("paraPr" or "style", id): from outline numbering, or a style's name."""
    found: dict[tuple[str, str], int] = {}
    for each in header.iter():
        if _name(each) == "paraPr":
            for inner in each.iter():
                if _name(inner) == "heading" and inner.get("type") == "OUTLINE":
                    found["paraPr", each.get("id", "")] = int(inner.get("level", "0")) + 1
        elif _name(each) == "style":
            named = _OUTLINE_STYLE.match(each.get("name", "") or each.get("engName", ""))
            if named:
                found["style", each.get("id", "")] = int(named[1])
    return found


class _Reader:
    def __init__(self, levels: dict[tuple[str, str], int]) -> None:
        self._levels = levels
        self._built = Builder()
        self._pages = Pages()

    def section(self, root: Element) -> None:
        self._pages.section()
        for paragraph in root:
            if _name(paragraph) == "p":
                self._built.page = self._pages.at(
                    _lines(paragraph), breaks=paragraph.get("pageBreak") == "1"
                )
                self._paragraph(paragraph, 0)

    def done(self) -> Document:
        return self._built.done()

    def _paragraph(self, paragraph: Element, depth: int) -> None:
        if depth > MOST_DEEP:
            raise RecursionError
        text: list[str] = []
        for run in paragraph:
            if _name(run) == "run":
                for each in run:
                    if _name(each) == "t":
                        text.append(_text(each))
                    elif _name(each) == "tbl":
                        self._flush(paragraph, text)
                        self._table(each, depth + 1)
                    else:
                        for inner in _paragraphs(each):
                            self._flush(paragraph, text)
                            self._paragraph(inner, depth + 1)
        self._flush(paragraph, text)

    def _flush(self, paragraph: Element, text: list[str]) -> None:
        whole = "".join(text)
        text.clear()
        level = self._levels.get(("paraPr", paragraph.get("paraPrIDRef", ""))) or self._levels.get(
            ("style", paragraph.get("styleIDRef", ""))
        )
        if level:
            self._built.heading(level, whole)
        else:
            self._built.add(whole)

    def _table(self, table: Element, depth: int) -> None:
        if depth > MOST_DEEP:
            raise RecursionError
        for row in table:
            if _name(row) == "tr":
                self._built.row(_cell(cell, depth) for cell in row if _name(cell) == "tc")


def _cell(cell: Element, depth: int) -> str:
    """All text of a cell, that of tables in it too."""
    if depth > MOST_DEEP:
        raise RecursionError
    return " ".join(_text(each) for each in cell.iter() if _name(each) == "t")


def _paragraphs(element: Element) -> Iterator[Element]:
    """The outermost paragraphs within a text box, note or caption."""
    for each in element:
        if _name(each) == "p":
            yield each
        else:
            yield from _paragraphs(each)


def _text(element: Element) -> str:
    """A text with the breaks and tabs inside it."""
    inside = {"lineBreak": "\n", "tab": " ", "nbSpace": " ", "fwSpace": " "}
    pieces = [element.text or ""]
    for each in element:
        pieces += (inside.get(_name(each), ""), each.tail or "")
    return "".join(pieces)


def _lines(paragraph: Element) -> list[int]:
    """Where a paragraph's lines stand below the top of their page, in Hangul's units."""
    return [
        int(each.get("vertpos", "0"))
        for array in paragraph
        if _name(array) == "linesegarray"
        for each in array
    ]


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]
