"""HWP 5 inside its OLE file: streams, records, and the characters of a paragraph.

After "한글 문서 파일 형식 5.0", revision 1.3, which Hancom publishes.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from ondol.retrieval.limits import ReadLimits, corrupt, megabytes, too_large

TAG_BEGIN = 0x10
PARA_SHAPE = TAG_BEGIN + 9
STYLE = TAG_BEGIN + 10
PARA_HEADER = TAG_BEGIN + 50
PARA_TEXT = TAG_BEGIN + 51
PARA_LINE_SEG = TAG_BEGIN + 53
CTRL_HEADER = TAG_BEGIN + 55
LIST_HEADER = TAG_BEGIN + 56
TABLE = TAG_BEGIN + 61

LINE_BREAK, PARAGRAPH_BREAK = 10, 13
_BREAKS = {LINE_BREAK: "\n", 24: "-", 30: " ", 31: " "}
_SINGLE = frozenset((0, LINE_BREAK, PARAGRAPH_BREAK, *range(24, 32)))
_TAB = 9
_CONTROL_UNITS = 8
_LONG = 0xFFF


@dataclass(frozen=True, slots=True)
class Record:
    """A record: its tag, how deep it stands, its bytes."""

    tag: int
    level: int
    data: bytes


def inflated(data: bytes, limits: ReadLimits, used: int) -> bytes:
    """A stream's bytes, unpacked.

    Args:
        data: raw deflate.
        limits: how much all streams may unpack to.
        used: what the streams before unpacked to, in bytes.

    Raises:
        DocumentTooLarge: before more than the limit is in memory.
        CorruptDocument: if it is not deflate.
    """
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    room = limits.unpacked_bytes - used
    try:
        found = unpacker.decompress(data, room + 1)
    except zlib.error as exc:
        raise corrupt(str(exc)) from exc
    if len(found) > room:
        raise too_large(f"> {megabytes(limits.unpacked_bytes)}", megabytes(limits.unpacked_bytes))
    return found


def records(data: bytes) -> Iterator[Record]:
    """The records of a stream: 10 bits of tag, 10 of level, 12 of size, then the bytes.

    Raises:
        CorruptDocument: if one goes beyond the end.
    """
    at = 0
    while at + 4 <= len(data):
        (head,) = struct.unpack_from("<I", data, at)
        at += 4
        size = head >> 20
        if size == _LONG:
            if at + 4 > len(data):
                raise corrupt(f"record at {at}")
            (size,) = struct.unpack_from("<I", data, at)
            at += 4
        if at + size > len(data):
            raise corrupt(f"record at {at}: {size} > {len(data) - at}")
        yield Record(head & 0x3FF, head >> 10 & 0x3FF, data[at : at + size])
        at += size


def text(data: bytes) -> str:
    """The characters of a PARA_TEXT record; of its controls, the breaks and tabs."""
    units = struct.unpack(f"<{len(data) // 2}H", data[: len(data) // 2 * 2])
    kept: list[int] = []
    at = 0
    while at < len(units):
        unit = units[at]
        if unit >= 32:
            kept.append(unit)
            at += 1
        elif unit in _SINGLE:
            kept += map(ord, _BREAKS.get(unit, ""))
            at += 1
        else:
            kept += [32] if unit == _TAB else []
            at += _CONTROL_UNITS
    return struct.pack(f"<{len(kept)}H", *kept).decode("utf-16-le", "replace")


def line_places(data: bytes) -> list[int]:
    """Where the lines of a PARA_LINE_SEG record stand below the top of their page."""
    return [struct.unpack_from("<i", data, at + 4)[0] for at in range(0, len(data) // 36 * 36, 36)]
