"""Rows of any GGML storage kind, unpacked: whole numbers with a scale, or dense float32.

Layouts: the block structs of https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h.
A block is unpacked into `quants`, and every value is quant x scale (+ minimum), computed in
float32 in GGML's own order, so that the dense values are GGML's to the last bit.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ondol.errors import CorruptSource, UnsupportedTensor
from ondol.language import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float32]

CHUNK_ELEMENTS = 1 << 18
"""How many values are worked on at a time: 1 MiB of float32, so that they stay in the cache."""


@dataclass(frozen=True, slots=True)
class Unpacked:
    """Blocks as numbers: value = (quants - zero) x scale + minimum.

    `quants` is uint8 [blocks, groups, values of a group]; `scales` and `minimums` (None: no
    minimum) are float32 [blocks, groups].
    """

    quants: "Bytes"
    zero: int
    scales: "Floats"
    minimums: "Floats | None"


@dataclass(frozen=True, slots=True)
class Layout:
    """A quantised storage kind.

    `elements` and `bytes` of a block; `group` values share a scale; quants run from 0 to
    `levels` - 1, of which `zero` stands for 0; `affine` kinds add a minimum to each group.
    """

    elements: int
    bytes: int
    group: int
    levels: int
    zero: int
    affine: bool
    unpack: Callable[["Bytes", "Bytes"], "tuple[Floats, Floats | None]"]


def _half(raw: "Bytes", at: int) -> "Floats":
    """The float16 at byte `at` of every block, as float32 [blocks, 1]."""
    return np.ascontiguousarray(raw[:, at : at + 2]).view("<f2").astype(np.float32)


def _nibbles(raw: "Bytes", out: "Bytes") -> None:
    """Low nibbles into the first half of `out`'s last axis but one, high ones into the second."""
    np.bitwise_and(raw, 15, out=out[:, 0])
    np.right_shift(raw, 4, out=out[:, 1])


def _fifth_bits(raw: "Bytes", out: "Bytes") -> None:
    bits = np.unpackbits(np.ascontiguousarray(raw), axis=1, bitorder="little")
    np.left_shift(bits, 4, out=bits)
    flat = out.reshape(len(out), 32)
    np.bitwise_or(flat, bits, out=flat)


def _q4_0(raw: "Bytes", out: "Bytes") -> "tuple[Floats, Floats | None]":
    _nibbles(raw[:, 2:], out.reshape(-1, 2, 16))
    return _half(raw, 0), None


def _q4_1(raw: "Bytes", out: "Bytes") -> "tuple[Floats, Floats | None]":
    _nibbles(raw[:, 4:], out.reshape(-1, 2, 16))
    return _half(raw, 0), _half(raw, 2)


def _q5_0(raw: "Bytes", out: "Bytes") -> "tuple[Floats, Floats | None]":
    _nibbles(raw[:, 6:], out.reshape(-1, 2, 16))
    _fifth_bits(raw[:, 2:6], out)
    return _half(raw, 0), None


def _q5_1(raw: "Bytes", out: "Bytes") -> "tuple[Floats, Floats | None]":
    _nibbles(raw[:, 8:], out.reshape(-1, 2, 16))
    _fifth_bits(raw[:, 4:8], out)
    return _half(raw, 0), _half(raw, 2)


def _q8_0(raw: "Bytes", out: "Bytes") -> "tuple[Floats, Floats | None]":
    # Flipping the sign bit adds 128 to a signed byte.
    np.bitwise_xor(raw[:, 2:], 128, out=out.reshape(-1, 32))
    return _half(raw, 0), None


def _k_scales(raw: "Bytes") -> "tuple[Floats, Floats]":
    """Scales and minimums of Q4_K and Q5_K: eight pairs of 6 bits in 12 bytes, times d and dmin."""
    low, middle, high = raw[:, 4:8], raw[:, 8:12], raw[:, 12:16]
    scales = np.concatenate([low & 63, (high & 15) | ((low >> 2) & 48)], axis=1)
    minimums = np.concatenate([middle & 63, (high >> 4) | ((middle >> 2) & 48)], axis=1)
    return _half(raw, 0) * scales, -(_half(raw, 2) * minimums)


def _q4_k(raw: "Bytes", out: "Bytes") -> "tuple[Floats, Floats | None]":
    for pair in range(4):
        _nibbles(raw[:, 16 + 32 * pair : 48 + 32 * pair], out[:, 2 * pair : 2 * pair + 2])
    return _k_scales(raw)


def _q5_k(raw: "Bytes", out: "Bytes") -> "tuple[Floats, Floats | None]":
    fifths = raw[:, 16:48]
    for pair in range(4):
        _nibbles(raw[:, 48 + 32 * pair : 80 + 32 * pair], out[:, 2 * pair : 2 * pair + 2])
    for group in range(8):
        out[:, group] |= ((fifths >> group) & 1) << 4
    return _k_scales(raw)


def _q6_k(raw: "Bytes", out: "Bytes") -> "tuple[Floats, Floats | None]":
    quarters = out.reshape(-1, 2, 4, 32)
    for half in range(2):
        low = raw[:, 64 * half : 64 * half + 64].reshape(-1, 2, 32)
        high = raw[:, 128 + 32 * half : 160 + 32 * half]
        np.bitwise_and(low, 15, out=quarters[:, half, :2])
        np.right_shift(low, 4, out=quarters[:, half, 2:])
        for quarter in range(4):
            quarters[:, half, quarter] |= ((high >> (2 * quarter)) & 3) << 4
    return _half(raw, 208) * np.ascontiguousarray(raw[:, 192:208]).view(np.int8), None


LAYOUTS: dict[str, Layout] = {
    "Q4_0": Layout(32, 18, 32, 16, 8, False, _q4_0),
    "Q4_1": Layout(32, 20, 32, 16, 0, True, _q4_1),
    "Q5_0": Layout(32, 22, 32, 32, 16, False, _q5_0),
    "Q5_1": Layout(32, 24, 32, 32, 0, True, _q5_1),
    "Q8_0": Layout(32, 34, 32, 256, 128, False, _q8_0),
    "Q4_K": Layout(256, 144, 32, 16, 0, True, _q4_k),
    "Q5_K": Layout(256, 176, 32, 32, 0, True, _q5_k),
    "Q6_K": Layout(256, 210, 16, 64, 32, False, _q6_k),
}
"""The quantised kinds by GGML's name."""

FLOAT_BYTES = {"F32": 4, "F16": 2, "BF16": 2}
"""The kinds that are plain numbers, little-endian, and the bytes of one."""

KINDS = (*FLOAT_BYTES, *LAYOUTS)
"""Every kind that can be read."""


def row_bytes(kind: str, columns: int) -> int:
    """Bytes of a row of `columns` values.

    Raises:
        UnsupportedTensor: if the kind cannot be read, or the columns do not fill its blocks.
    """
    if kind in FLOAT_BYTES:
        return columns * FLOAT_BYTES[kind]
    layout = LAYOUTS.get(kind)
    if layout is None or columns % layout.elements:
        raise UnsupportedTensor(
            say(
                f"{columns} columns of storage kind {kind} cannot be read.",
                f"저장 방식 {kind}의 {columns}열은 읽을 수 없습니다.",
            ),
            say(f"Kinds that can: {', '.join(KINDS)}.", f"읽을 수 있는 방식: {', '.join(KINDS)}"),
            say("Use a file in one of these kinds.", "이 방식으로 저장된 파일을 쓰세요."),
        )
    return columns // layout.elements * layout.bytes


def unpack(raw: "Bytes", kind: str) -> Unpacked:
    """The numbers in whole rows of a quantised kind, uint8 [rows, bytes per row]."""
    layout = LAYOUTS[kind]
    blocks = raw.reshape(-1, layout.bytes)
    quants = np.empty((len(blocks), layout.elements // layout.group, layout.group), np.uint8)
    with np.errstate(invalid="ignore", over="ignore"):
        scales, minimums = layout.unpack(blocks, quants)
    return Unpacked(quants, layout.zero, scales, minimums)


def chunks(rows: int, columns: int) -> Iterator[slice]:
    """Runs of rows of about `CHUNK_ELEMENTS` values, at least one row each."""
    step = max(1, CHUNK_ELEMENTS // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def dense(raw: "Bytes", kind: str, columns: int) -> "Floats":
    """Rows as float32 [rows, columns], the same to the bit as GGML's own dequantisation.

    Args:
        raw: uint8 [rows, bytes per row], as a `Source` reads them.
        kind: GGML's name of the storage, one of `KINDS`.
        columns: values in a row.

    Raises:
        UnsupportedTensor: if the kind cannot be read, or the columns do not fill its blocks.
        CorruptSource: if the rows are not as long as the kind and the columns say.
    """
    check(raw, kind, columns)
    out = np.empty((len(raw), columns), np.float32)
    for rows in chunks(len(raw), columns):
        _dense_into(np.ascontiguousarray(raw[rows]), kind, out[rows])
    return out


def check(raw: "Bytes", kind: str, columns: int) -> None:
    """Raise where `raw` is not uint8 [rows, bytes per row] of `columns` values of the kind."""
    expected = row_bytes(kind, columns)
    if raw.ndim != 2 or raw.shape[1] != expected or raw.dtype != np.uint8:
        raise CorruptSource(
            say(
                f"Rows of {columns} {kind} values take {expected} bytes.",
                f"{kind} 값 {columns}개의 행은 {expected}바이트입니다.",
            ),
            say(
                f"Rows of shape {raw.shape} and type {raw.dtype} were given.",
                f"받은 행은 모양 {raw.shape}, 자료형 {raw.dtype}입니다.",
            ),
        )


def _dense_into(raw: "Bytes", kind: str, out: "Floats") -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        if kind == "F32":
            out[:] = raw.view("<f4")
        elif kind == "F16":
            out[:] = raw.view("<f2")
        elif kind == "BF16":
            np.left_shift(raw.view("<u2"), 16, out=out.view(np.uint32), dtype=np.uint32)
        else:
            found = unpack(raw, kind)
            values = out.reshape(found.quants.shape)
            np.copyto(values, found.quants)
            if found.zero:
                values -= found.zero
            values *= found.scales[..., None]
            if found.minimums is not None:
                values += found.minimums[..., None]
