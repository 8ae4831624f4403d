"""Hangul's .hwp (HWP 5), through olefile: paragraphs, tables, outline headings, pages."""

import re
import struct
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import olefile

from ondol.language import say
from ondol.retrieval.document import Builder, Document
from ondol.retrieval.limits import ReadLimits, corrupt, encrypted
from ondol.retrieval.readers import hwp_records as hwp
from ondol.retrieval.readers.hwp_records import Record
from ondol.retrieval.readers.pages import Pages

SIGNATURE = b"HWP Document File"
OLD = b"HWP Document File V3"
COMPRESSED, PASSWORD, DISTRIBUTED, PROTECTED = 1, 2, 4, 16  # bits of FileHeader's properties
OUTLINE = 1
PAGE_BREAK = 4  # bit of a paragraph's kind of break
_SECTION = re.compile(r"Section(\d+)")
_OUTLINE_STYLE = re.compile(r"(?:개요|Outline)\s*(\d+)", re.IGNORECASE)
HIDDEN = (b"tcod", b"daeh", b"toof")
"""Controls whose text is no part of the pages' text: hidden comments, page heads and feet."""


def read(file: BinaryIO, limits: ReadLimits) -> Document:
    """Read a document; pages are those that Hangul last laid out."""
    start = file.read(len(OLD))
    file.seek(0)
    if start == OLD:
        raise corrupt(say("It is of HWP 3, which is not read.", "HWP 3 문서라서 읽지 못합니다."))
    if not olefile.isOleFile(file):
        raise corrupt(say("It is no HWP 5 file.", "HWP 5 파일이 아닙니다."))
    file.seek(0)
    with olefile.OleFileIO(file) as ole:
        header = _stream(ole, "FileHeader")
        if not header.startswith(SIGNATURE) or len(header) < 40:
            raise corrupt("FileHeader")
        (properties,) = struct.unpack_from("<I", header, 36)
        _refuse_encrypted(properties)
        streams = _Streams(ole, bool(properties & COMPRESSED), limits)
        reader = _Reader(_levels(streams.read("DocInfo")))
        numbers = sorted(
            int(found[1])
            for path in ole.listdir()
            if len(path) == 2 and path[0] == "BodyText" and (found := _SECTION.fullmatch(path[1]))
        )
        if not numbers:
            raise corrupt(say("It has no section.", "구역이 없습니다."))
        for number in numbers:
            reader.section(hwp.records(streams.read(f"BodyText/Section{number}")))
        return reader.done()


def _refuse_encrypted(properties: int) -> None:
    if properties & PASSWORD:
        raise encrypted(say("It asks for a password.", "암호를 묻는 문서입니다."))
    if properties & (DISTRIBUTED | PROTECTED):
        raise encrypted(
            say(
                "It was saved for distribution, or under rights management.",
                "배포용 문서이거나 보안(DRM) 문서입니다.",
            )
        )


class _Streams:
    """Unpacks streams, and keeps count of what they take together."""

    def __init__(self, ole: olefile.OleFileIO, compressed: bool, limits: ReadLimits) -> None:
        self._ole = ole
        self._compressed = compressed
        self._limits = limits
        self._used = 0

    def read(self, name: str) -> bytes:
        data = _stream(self._ole, name)
        if self._compressed:
            data = hwp.inflated(data, self._limits, self._used)
        self._used += len(data)
        return data


def _stream(ole: olefile.OleFileIO, name: str) -> bytes:
    if not ole.exists(name):
        raise corrupt(say(f"{name} is missing.", f"{name}이(가) 없습니다."))
    with ole.openstream(name) as stream:
        return bytes(stream.read())


def _levels(data: bytes) -> dict[tuple[int, int], int]:
    """Heading levels by (tag, number) of paragraph shapes and of styles."""
    found: dict[tuple[int, int], int] = {}
    counts = {hwp.PARA_SHAPE: 0, hwp.STYLE: 0}
    for record in hwp.records(data):
        if record.tag == hwp.PARA_SHAPE and len(record.data) >= 4:
            (properties,) = struct.unpack_from("<I", record.data)
            if properties >> 23 & 3 == OUTLINE:
                found[record.tag, counts[record.tag]] = (properties >> 25 & 7) + 1
        elif record.tag == hwp.STYLE and len(record.data) >= 2:
            (size,) = struct.unpack_from("<H", record.data)
            name = record.data[2 : 2 + 2 * size].decode("utf-16-le", "replace")
            if named := _OUTLINE_STYLE.match(name):
                found[record.tag, counts[record.tag]] = int(named[1])
        if record.tag in counts:
            counts[record.tag] += 1
    return found


class _Reader:
    """Takes records in their order; a table's cells are gathered to rows as they come."""

    def __init__(self, levels: Mapping[tuple[int, int], int]) -> None:
        self._levels = levels
        self._built = Builder()
        self._pages = Pages()
        self._depth = 0  # of the paragraph being read
        self._text: str | None = None
        self._heading = 0
        self._breaks = False  # before the outermost paragraph
        self._table: _Table | None = None
        self._hidden: int | None = None

    def section(self, found: Iterator[Record]) -> None:
        """Take a section's records."""
        take = {
            hwp.PARA_HEADER: self._header,
            hwp.PARA_TEXT: self._characters,
            hwp.PARA_LINE_SEG: self._lines,
            hwp.CTRL_HEADER: self._control,
            hwp.LIST_HEADER: self._list,
            hwp.TABLE: self._begin_table,
        }
        self._pages.section()
        for record in found:
            if self._table is not None and record.level < self._table.level:
                self._end_table()
            if self._hidden is not None and record.level <= self._hidden:
                self._hidden = None
            if record.tag in take:
                take[record.tag](record)
        self._end_paragraph()
        self._end_table()

    def done(self) -> Document:
        """The document of all sections."""
        return self._built.done()

    def _header(self, record: Record) -> None:
        self._end_paragraph()
        if len(record.data) < 12:
            raise corrupt("PARA_HEADER")
        shape, style, kind = struct.unpack_from("<HBB", record.data, 8)
        level = self._levels.get((hwp.PARA_SHAPE, shape)) or self._levels.get((hwp.STYLE, style))
        self._heading = level or 0
        self._depth = record.level
        if record.level == 0:
            self._breaks = bool(kind & PAGE_BREAK)

    def _characters(self, record: Record) -> None:
        if self._hidden is not None:
            return
        text = hwp.text(record.data)
        if self._table is None:
            self._text = text
        else:
            self._table.add(text)

    def _lines(self, record: Record) -> None:
        if self._depth == 0:
            places = hwp.line_places(record.data)
            self._built.page = self._pages.at(places, breaks=self._breaks)

    def _control(self, record: Record) -> None:
        self._end_paragraph()
        if record.data[:4] in HIDDEN and self._hidden is None:
            self._hidden = record.level

    def _list(self, record: Record) -> None:
        if self._table is not None and record.level == self._table.level:
            self._table.cell(self._built, record.data)

    def _begin_table(self, record: Record) -> None:
        if self._table is None and self._hidden is None:
            self._table = _Table(record.level)

    def _end_table(self) -> None:
        if self._table is not None:
            self._table.close(self._built)
        self._table = None

    def _end_paragraph(self) -> None:
        text, self._text = self._text, None
        if text is not None and self._heading:
            self._built.heading(self._heading, text)
        elif text is not None:
            self._built.add(text)


class _Table:
    """The table being read: the cells of its row so far. Tables inside it are part of a cell."""

    def __init__(self, level: int) -> None:
        self.level = level
        self._row: int | None = None
        self._cells: list[str] = []

    def cell(self, built: Builder, data: bytes) -> None:
        """Begin a cell; LIST_HEADER has 8 bytes, then a cell's column and row."""
        row = struct.unpack_from("<H", data, 10)[0] if len(data) >= 12 else 0
        if row != self._row:
            built.row(self._cells)
            self._cells, self._row = [], row
        self._cells.append("")

    def add(self, text: str) -> None:
        """Take a paragraph into the cell, or into the caption before the first."""
        if self._cells:
            self._cells[-1] = f"{self._cells[-1]} {text}"
        else:
            self._cells.append(text)

    def close(self, built: Builder) -> None:
        """Give the last row away."""
        built.row(self._cells)
