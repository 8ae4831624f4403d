"""HWP 5 files for tests: records as Hancom describes them, in an OLE file of our own."""

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

SECTOR = 512
FREE, END, FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
SMALL = 4096  # streams below this would lie in the mini stream; ours are filled up instead
TAGS = {
    "PARA_SHAPE": 25,
    "STYLE": 26,
    "PARA_HEADER": 66,
    "PARA_TEXT": 67,
    "PARA_LINE_SEG": 69,
    "CTRL_HEADER": 71,
    "LIST_HEADER": 72,
    "TABLE": 77,
}


@dataclass(frozen=True, slots=True)
class Para:
    """A paragraph: shape 1 is outline level 1, shape 2 level 2; `place` is its line's, in units."""

    text: str
    shape: int = 0
    style: int = 0
    place: int = 0
    kind: int = 0


Table = list[list[str]]


def record(tag: str, level: int, data: bytes) -> bytes:
    size = len(data)
    head = TAGS[tag] | level << 10 | min(size, 0xFFF) << 20
    return struct.pack("<I", head) + (struct.pack("<I", size) if size >= 0xFFF else b"") + data


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def _para(para: Para, level: int = 0, controls: bytes = b"", within: bytes = b"") -> bytes:
    text = controls + utf16(para.text + "\r")
    count = len(text) // 2
    made = record(
        "PARA_HEADER",
        level,
        struct.pack("<IIHBBHHHI", count, 0, para.shape, para.style, para.kind, 1, 0, 1, 0),
    )
    made += record("PARA_TEXT", level + 1, text)
    made += record("PARA_LINE_SEG", level + 1, struct.pack("<II", 0, para.place) + bytes(28))
    return made + within


def _table(rows: Table, place: int) -> bytes:
    control = struct.pack("<H4sIIH", 11, b" lbt", 0, 0, 11)
    within = record("CTRL_HEADER", 1, b" lbt" + bytes(20))
    within += record("TABLE", 2, struct.pack("<IHH", 0, len(rows), len(rows[0])))
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            within += record(
                "LIST_HEADER", 2, struct.pack("<HHIHHHH", 1, 0, 0, column, row, 1, 1) + bytes(20)
            )
            within += _para(Para(cell), 2)
    return _para(Para("", place=place), controls=control, within=within)


def note(para: Para, control: bytes, text: str) -> bytes:
    """A paragraph with a control that holds a paragraph of its own, such as b"tcod"."""
    mark = struct.pack("<H4sIIH", 15, control, 0, 0, 15)
    within = record("CTRL_HEADER", 1, control + bytes(4))
    within += record("LIST_HEADER", 2, struct.pack("<HI", 1, 0)) + _para(Para(text), 2)
    return _para(para, controls=mark, within=within)


def hwp(
    content: list[Para | Table | bytes],
    *,
    properties: int = 1,
    section: bytes | None = None,
    version: bytes = b"HWP Document File",
) -> bytes:
    """A file with one section.

    Args:
        content: paragraphs, tables, and records ready made.
        properties: bits of FileHeader: 1 compressed, 2 password, 4 for distribution.
        section: the section's bytes in the file; None: made of `content`.
        version: what FileHeader begins with.
    """
    shapes = [0, 1 << 23, 1 << 23 | 1 << 25]
    info = b"".join(record("PARA_SHAPE", 1, struct.pack("<I", each) + bytes(38)) for each in shapes)
    for name in ("바탕글", "개요 1"):
        data = struct.pack("<H", len(name)) + utf16(name) + bytes(10)
        info += record("STYLE", 1, data)
    body = b"".join(
        each
        if isinstance(each, bytes)
        else _para(each)
        if isinstance(each, Para)
        else _table(each, 0)
        for each in content
    )
    pack = _deflate if properties & 1 else bytes
    streams = {
        "FileHeader": version.ljust(32, b"\0") + struct.pack("<II", 0x05010000, properties),
        "DocInfo": pack(info),
        "BodyText/Section0": pack(body) if section is None else section,
    }
    return ole(streams)


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def ole(streams: dict[str, bytes]) -> bytes:
    """An OLE file (MS-CFB, version 3) of streams at most one folder deep, no mini stream."""
    folders = sorted({name.partition("/")[0] for name in streams if "/" in name})
    names = ["Root Entry", *folders, *streams]
    kinds = [5, *(1 for _ in folders), *(2 for _ in streams)]
    parents = [-1, *(0 for _ in folders)]
    parents += [names.index(n.partition("/")[0]) if "/" in n else 0 for n in streams]
    data = [b""] * (1 + len(folders)) + [each.ljust(SMALL, b"\0") for each in streams.values()]
    starts, sectors = [], list[bytes]()
    chain: list[int] = []
    for each in data:
        count = -(-len(each) // SECTOR)
        starts.append(len(sectors) if count else END)
        chain += [len(sectors) + i + 1 for i in range(count - 1)] + ([END] if count else [])
        sectors += [each[i : i + SECTOR].ljust(SECTOR, b"\0") for i in range(0, len(each), SECTOR)]
    entries = b""
    for at, name in enumerate(names):
        after = [i for i in range(at + 1, len(names)) if parents[i] == parents[at]]
        inside = [i for i in range(len(names)) if parents[i] == at]
        shown = utf16(name.rpartition("/")[2] + "\0")
        entries += shown.ljust(64, b"\0") + struct.pack(
            "<HBBIII", len(shown), kinds[at], 1, FREE, after[0] if at and after else FREE,
            inside[0] if inside else FREE,
        )  # fmt: skip
        entries += bytes(36) + struct.pack("<IQ", starts[at] if at else END, len(data[at]))
    entries = entries.ljust(-(-len(entries) // SECTOR) * SECTOR, b"\0")
    directory = len(sectors)
    count = len(entries) // SECTOR
    chain += [directory + i + 1 for i in range(count - 1)] + [END]
    sectors += [entries[i : i + SECTOR] for i in range(0, len(entries), SECTOR)]
    tables = 1
    while tables * 128 < len(chain) + tables:
        tables += 1
    first = len(sectors)
    chain += [FAT] * tables
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(tables * SECTOR, b"\xff")
    places = [*range(first, first + tables)] + [FREE] * (109 - tables)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, tables, directory, 0,
                          SMALL, END, 0, END, 0, places[0])  # fmt: skip
    header += struct.pack("<108I", *places[1:])
    return header + b"".join(sectors) + fat


def write_hwp(path: Path, content: list[Para | Table | bytes]) -> Path:
    path.write_bytes(hwp(content))
    return path
