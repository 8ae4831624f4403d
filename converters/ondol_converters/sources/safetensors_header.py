"""The header of a safetensors file, read as hostile input.

Layout: https://huggingface.co/docs/safetensors: eight bytes of length, JSON, then the tensors.
(The `safetensors` package needs torch or ml_dtypes for a bf16 tensor, and maps the file, so that
one that shrinks while it is read kills the process instead of raising an error.)
"""

import json
from dataclasses import dataclass
from math import prod
from typing import Any, TypeGuard

from ondol.errors import CorruptSource
from ondol_converters.sources import TensorInfo
from ondol_converters.sources.parts import PartedFile, broken

MAX_JSON_BYTES = 1 << 24
MAX_SIZE = 1 << 48

ITEM_BYTES = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "F8_E8M0": 1,
    "U16": 2,
    "I16": 2,
    "F16": 2,
    "BF16": 2,
    "U32": 4,
    "I32": 4,
    "F32": 4,
    "U64": 8,
    "I64": 8,
    "F64": 8,
}
"""Bytes of one value by dtype; the names are also our storage kinds."""


@dataclass(frozen=True, slots=True)
class Place:
    """A tensor, and where it lies in which file: first byte, rows, bytes per row."""

    info: TensorInfo
    file: PartedFile
    start: int
    rows: int
    row_bytes: int


def read_json(file: PartedFile, start: int, size: int) -> dict[str, Any]:
    """A JSON object from bytes [start, start + size) of a file.

    Raises:
        CorruptSource: if it is too large, not JSON, not an object, or says a key twice.
    """
    if size > MAX_JSON_BYTES:
        raise broken(
            file.name,
            f"Its JSON would take {size} bytes; at most {MAX_JSON_BYTES} can be.",
            f"JSON이 {size}바이트라고 하지만 많아야 {MAX_JSON_BYTES}바이트입니다.",
        )
    raw = file.read(start, size)
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as exc:
        reason = str(exc)[:80]
        raise broken(
            file.name, f"Its JSON does not hold: {reason}.", f"JSON이 올바르지 않습니다: {reason}"
        ) from exc
    if not isinstance(found, dict):
        raise broken(file.name, "Its JSON is not an object.", "JSON이 객체가 아닙니다.")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def read_places(file: PartedFile) -> dict[str, Place]:
    """Every tensor of a safetensors file, none outside it, none overlapping.

    Raises:
        CorruptSource: if anything in the header does not hold.
    """
    size = int.from_bytes(file.read(0, min(8, file.size)), "little")
    if file.size < 8 or size > file.size - 8:
        raise broken(
            file.name,
            f"It has {file.size} bytes and claims a header of {size}.",
            f"파일은 {file.size}바이트인데 헤더가 {size}바이트라고 합니다.",
        )
    header = read_json(file, 8, size)
    header.pop("__metadata__", None)
    places = {name: _place(file, 8 + size, name, entry) for name, entry in header.items()}
    end, before = 8 + size, ""
    for place in sorted(places.values(), key=lambda place: place.start):
        name = place.info.name
        if place.start < end:
            raise broken(
                file.name,
                f"The tensor {name!r} overlaps {before!r}.",
                f"텐서 {name!r}이(가) {before!r}와(과) 겹칩니다.",
            )
        end, before = place.start + place.rows * place.row_bytes, name
    return places


def _place(file: PartedFile, data: int, name: str, entry: object) -> Place:
    if not isinstance(entry, dict):
        raise _lies(file, name, "describes itself by no object", "객체로 적혀 있지 않습니다")
    kind, shape, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(kind, str) or kind not in ITEM_BYTES:
        raise _lies(file, name, f"has the unknown dtype {kind!r}", f"자료형은 {kind!r}입니다")
    if not _sizes(shape) or not _sizes(offsets) or len(offsets) != 2:
        raise _lies(file, name, "has no proper shape or offsets", "모양이나 위치가 잘못되었습니다")
    values = prod(shape)
    begin, end = offsets
    if end - begin != values * ITEM_BYTES[kind]:
        raise _lies(
            file,
            name,
            f"of shape {shape} and dtype {kind} cannot take {end - begin} bytes",
            f"모양 {shape}, 자료형 {kind}의 크기가 {end - begin}바이트일 수 없습니다",
        )
    if data + end > file.size:
        raise _lies(
            file,
            name,
            f"lies outside the file of {file.size} bytes",
            f"{file.size}바이트 파일 밖에 있습니다",
        )
    rows = shape[0] if len(shape) > 1 else 1
    return Place(
        TensorInfo(name, tuple(shape), kind),
        file,
        data + begin,
        rows,
        (end - begin) // max(rows, 1),
    )


def _sizes(value: object) -> TypeGuard[list[int]]:
    return (
        isinstance(value, list)
        and len(value) <= 8
        and all(type(size) is int and 0 <= size < MAX_SIZE for size in value)
    )


def _lies(file: PartedFile, name: str, why_en: str, why_ko: str) -> CorruptSource:
    return broken(file.name, f"The tensor {name!r} {why_en}.", f"텐서 {name!r}: {why_ko}.")
