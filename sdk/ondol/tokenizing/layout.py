"""The file `tokenizer.bin`: a BPE tokenizer as tables that are read where they lie.

Little-endian. A header (magic, version, bytes in all, the SHA-256 of the `tokenizer.json` it was
made from), then for each of `SECTIONS` its offset and size, then the sections in that order, each
at a multiple of 64 bytes, and nothing else. Two tables are hashed: the rows of bucket b are those
from starts[b] to starts[b + 1], at most `MOST_IN_BUCKET`.
"""

import hashlib
import struct
import sys
import zlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass

from ondol.errors import CorruptBundle
from ondol.language import say
from ondol.tokenizing.backend import corrupt

TABLE = "tokenizer.bin"
MAGIC, VERSION = b"ONDOLTOK", 1
MOST_SETTINGS = 1 << 20
MOST_TOKENS = 1 << 22
MOST_IN_BUCKET = 64
NONE = 0xFFFFFFFF
PRESENT, ADDED, SPECIAL, NORMALISED = 1, 2, 4, 8
"""Bits of a token's flags: whether there is one, is cut out first, no text, after normalising."""

SECTIONS: Mapping[str, str] = {
    "settings": "B",  # UTF-8 JSON: ondol.tokenizing.table.Settings
    "texts": "B",  # tokens as the vocabulary writes them, UTF-8, back to back
    "text_starts": "I",  # [tokens + 1] bytes
    "flags": "B",  # [tokens]
    "added": "I",  # ids of added tokens, rising
    "bytes": "I",  # [256] the id that stands for each byte, or NONE
    "find_starts": "I",  # [buckets + 1] rows
    "find_ids": "I",  # tokens that are looked up by their text, bucket by bucket
    "merge_starts": "I",  # [buckets + 1] rows
    "merge_pairs": "Q",  # left id << 32 | right id, bucket by bucket
    "merge_results": "Q",  # rank << 32 | new id
    "category_starts": "I",  # first characters of ranges of one category
    "categories": "B",  # their places in ondol.tokenizing.characters.CATEGORIES
}
"""Every section with the type of its elements, as `array` calls it."""

_HEADER = struct.Struct("<8sIIQ32s")
_PLACE = struct.Struct("<QQ")
_ALIGNMENT = 64


@dataclass(frozen=True, slots=True)
class Sections:
    """An opened table's columns by name, and the SHA-256 of the `tokenizer.json` it stands for."""

    columns: Mapping[str, memoryview]
    source_sha256: str


def text_bucket(text: bytes, buckets: int) -> int:
    """The bucket of a token by its text."""
    return zlib.crc32(text) % buckets


def pair_bucket(left: int, right: int, buckets: int) -> int:
    """The bucket of a pair of ids."""
    return ((left * 0x9E3779B1 ^ right * 0x85EBCA6B) >> 7) % buckets


def write(columns: Mapping[str, bytes], source: bytes) -> bytes:
    """A table's bytes: the same columns always as the same bytes.

    Args:
        columns: of each section its bytes, little-endian.
        source: the `tokenizer.json`.
    """
    at = _HEADER.size + len(SECTIONS) * _PLACE.size
    places, body = b"", b""
    parts: list[bytes] = []
    for name in SECTIONS:
        data = columns[name]
        gap = -at % _ALIGNMENT
        parts += [bytes(gap), data]
        places += _PLACE.pack(at + gap, len(data))
        at += gap + len(data)
    body = b"".join(parts)
    digest = hashlib.sha256(source).digest()
    return _HEADER.pack(MAGIC, VERSION, len(SECTIONS), at, digest) + places + body


def packed(kind: str, values: "array[int] | list[int]") -> bytes:
    """Numbers as a column's bytes."""
    made = array(kind, values)
    if sys.byteorder == "big":
        made.byteswap()
    return made.tobytes()


def read(data: memoryview, name: str = TABLE) -> Sections:
    """A table's columns, none of which leads out of its bytes; nothing is copied.

    Args:
        data: the whole table, bytes.
        name: what the file is called, for messages.

    Raises:
        CorruptBundle: if the header or a section's place does not hold.
    """
    head = _HEADER.size + len(SECTIONS) * _PLACE.size
    if len(data) < head:
        raise corrupt(name, f"{len(data)} bytes")
    magic, version, count, size, digest = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise corrupt(name, f"{bytes(magic)!r}")
    if version != VERSION or count != len(SECTIONS):
        raise _newer(name, version)
    if size != len(data):
        raise corrupt(name, f"{len(data)} bytes, not {size}")
    columns: dict[str, memoryview] = {}
    end = head
    for number, (section, kind) in enumerate(SECTIONS.items()):
        start, length = _PLACE.unpack_from(data, _HEADER.size + number * _PLACE.size)
        end += -end % _ALIGNMENT
        if start != end or length > size - start or length % array(kind).itemsize:
            raise corrupt(name, f"{section}: {length} bytes from {start}")
        columns[section] = _column(data[start : start + length], kind)
        end = start + length
    if end != size:
        raise corrupt(name, f"{size - end} bytes of nothing")
    return Sections(columns, digest.hex())


def _column(data: memoryview, kind: str) -> memoryview:
    if kind == "B" or sys.byteorder == "little":
        return data.cast("Q" if kind == "Q" else "I" if kind == "I" else "B")
    turned = array(kind, data.tobytes())
    turned.byteswap()
    return memoryview(turned)


def _newer(name: str, version: int) -> CorruptBundle:
    return CorruptBundle(
        say(
            f"{name} has version {version}.",
            f"{name} 파일의 버전이 {version}입니다.",
        ),
        say(
            f"This Ondol reads version {VERSION}.",
            f"지금 온돌은 버전 {VERSION}을 읽습니다.",
        ),
        say(
            "Convert the model again, or use a newer Ondol.",
            "모델을 다시 변환하거나 새 온돌을 쓰세요.",
        ),
    )
