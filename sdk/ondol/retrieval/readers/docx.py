"""Word's .docx, through python-docx: paragraphs, tables, headings by style or outline level."""

import re
from collections.abc import Iterator
from typing import BinaryIO

import docx
from docx.oxml.ns import qn
from docx.table import Table, _Cell
from docx.text.paragraph import Paragraph

from ondol.language import say
from ondol.retrieval.document import Builder, Document
from ondol.retrieval.limits import ReadLimits, encrypted, open_zip
from ondol.retrieval.readers.markup import refuse_entities

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MOST_DEEP = 20
_NAME = re.compile(r"(?:heading|제목|개요)\s*(\d)", re.IGNORECASE)
_TITLES = ("title", "제목")


def read(file: BinaryIO, limits: ReadLimits) -> Document:
    """Read a document; pages are those Word last laid out, where the file says so."""
    if file.read(len(OLE)) == OLE:
        raise encrypted(say("Word keeps encrypted files so.", "워드의 암호 문서 형식입니다."))
    file.seek(0)
    with open_zip(file, limits) as packed:
        refuse_entities(packed)
    file.seek(0)
    document = docx.Document(file)
    built = Builder()
    built.page = 1 if document.element.body.findall(".//" + qn("w:lastRenderedPageBreak")) else None
    _take(built, document.iter_inner_content(), 0)
    built.title = " ".join((document.core_properties.title or "").split()) or built.title
    return built.done()


def _take(built: Builder, content: Iterator[Paragraph | Table], depth: int) -> None:
    for each in content:
        if isinstance(each, Paragraph):
            _paragraph(built, each)
        else:
            _table(built, each, depth)


def _paragraph(built: Builder, paragraph: Paragraph) -> None:
    breaks = len(paragraph._p.findall(".//" + qn("w:lastRenderedPageBreak")))
    level = _level(paragraph)
    text = paragraph.text
    drawn = paragraph.rendered_page_breaks
    before = int(bool(drawn) and drawn[0].preceding_paragraph_fragment is None)
    if built.page is not None:
        built.page += before
    if level:
        built.heading(level, text)
    else:
        built.add(text)
    if built.page is not None:
        built.page += breaks - before


def _table(built: Builder, table: Table, depth: int) -> None:
    if depth > MOST_DEEP:
        raise RecursionError
    for row in table.rows:
        cells = list[_Cell]()
        for cell in row.cells:  # a merged cell comes once for each that it covers
            if not cells or cell._tc is not cells[-1]._tc:
                cells.append(cell)
        built.row(cell.text for cell in cells)
        if built.page is not None:
            built.page += len(row._tr.findall(".//" + qn("w:lastRenderedPageBreak")))


def _level(paragraph: Paragraph) -> int:
    """1 to 9 of a heading, 0 of other paragraphs."""
    style = paragraph.style
    name = (style.name or "").strip().lower() if style is not None else ""
    found = _NAME.match(name)
    if found:
        return int(found[1]) or 1
    if name in _TITLES:
        return 1
    elements = [paragraph._p.pPr] if paragraph._p.pPr is not None else []
    if style is not None and style.element.find(qn("w:pPr")) is not None:
        elements.append(style.element.find(qn("w:pPr")))
    for element in elements:
        outline = element.find(qn("w:outlineLvl"))
        if outline is not None:
            level = int(outline.get(qn("w:val"), "9"))
            return level + 1 if level < 9 else 0
    return 0
