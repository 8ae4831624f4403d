"""Rows of any storage kind into the blocks that ONNX Runtime's `MatMulNBits` reads.

Where the kernel's grid can hold a kind's own, numbers are moved and nothing is lost. Where a
kind has a minimum per group, a scale is sought of which the kind's step and minimum are both
near multiples. All else is rounded to the nearest point of the best of a few grids.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from ondol.errors import CorruptSource, OptionError
from ondol.language import say
from ondol_converters.quantise.blocks import (
    FLOAT_BYTES,
    LAYOUTS,
    check,
    chunks,
    dense,
    unpack,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Floats = NDArray[np.float32]
    Grid = tuple[Bytes, Floats]
    Tried = tuple[Bytes, Floats, Floats]

Number = TypeVar("Number", np.float32, np.uint8)

ZERO = {4: 8, 8: 128}
"""The default zero point of `MatMulNBits` by bits."""

EXACT = {"Q4_0": (4, 32), "Q5_0": (8, 32), "Q8_0": (8, 32), "Q6_K": (8, 16)}
"""The kinds that a layout of (bits, block) holds without loss."""

NEAREST = (8, 32)
"""Where other kinds go: rounding to 8 bits is far finer than any 4- or 5-bit step."""

DIVISORS = {4: (-8.0, 7.0, -7.5, -8.5, -7.0), 8: (127.0, -128.0, 126.0, 125.0)}
"""Scales to try, as the block's extreme over these: a negative one puts it at the lowest point."""

TRIES = 8
"""How many whole numbers a group with a minimum tries, from the largest that fits downwards."""

FAR = 0.2
"""The error, in steps of the plain grid, from which the plain grid is worth a try; it has 0.29."""

TINY = 1e-30
"""A block whose values are all smaller is zeros; its scale would not be a normal float32."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A matrix [N, K] in the symmetric blocks of `MatMulNBits`, zero point 2^(bits - 1).

    `quants` is uint8 [N, ceil(K / block), block * bits / 8], the even one of two 4-bit values in
    the low nibble; `scales` is float32 [N, ceil(K / block)]. Columns past K are zeros.
    """

    bits: int
    block: int
    quants: "Bytes"
    scales: "Floats"

    def dense(self, columns: int) -> "Floats":
        """The values the kernel sees, float32 [N, columns]."""
        quants = self.quants
        if self.bits == 4:
            quants = np.stack([quants & 15, quants >> 4], axis=-1)
        values = quants.reshape(*self.scales.shape, self.block).astype(np.float32)
        values -= ZERO[self.bits]
        values *= self.scales[..., None]
        return values.reshape(len(values), -1)[:, :columns]


def exact_layout(kind: str) -> tuple[int, int] | None:
    """The (bits, block) that hold this storage kind without loss, or None where none does."""
    return EXACT.get(kind)


def repack(raw: "Bytes", kind: str, columns: int, bits: int, block: int) -> Blocks:
    """Rows of any kind as blocks; temporary memory is a few MiB however many rows there are.

    Lossless for `exact_layout(kind)`, and for finer blocks of as many bits.

    Args:
        raw: uint8 [rows, bytes per row], as a `Source` reads them.
        kind: GGML's name of the storage.
        columns: values in a row.
        bits: 4 or 8.
        block: values that share a scale: 16, 32, 64, 128 or 256.

    Raises:
        OptionError: for other bits or blocks.
        UnsupportedTensor: if the kind cannot be read, or the columns do not fill its blocks.
        CorruptSource: if a row is not as long as it should be, or holds a NaN or an infinity.
    """
    if bits not in ZERO or block not in (16, 32, 64, 128, 256):
        raise OptionError(
            say(
                f"No kernel reads {bits} bits in {block}s.",
                f"{bits}비트 {block}개 묶음은 못 씁니다.",
            ),
            say("Bits are 4 or 8, blocks 16 to 256.", "비트는 4나 8, 묶음은 16에서 256까지입니다."),
            say("Choose bits 8 and block 32.", "8비트에 묶음 32를 고르세요."),
        )
    check(raw, kind, columns)
    count = -(-columns // block)
    quants = np.empty((len(raw), count, block * bits // 8), np.uint8)
    scales = np.empty((len(raw), count), np.float32)
    for rows in chunks(len(raw), columns):
        part = np.ascontiguousarray(raw[rows])
        found, scale = _grid(part, kind, columns, bits, block)
        found = found.reshape(len(part), count, block)
        quants[rows] = found if bits == 8 else found[..., ::2] | (found[..., 1::2] << 4)
        scales[rows] = scale.reshape(len(part), count)
    return Blocks(bits, block, quants, scales)


def _grid(raw: "Bytes", kind: str, columns: int, bits: int, block: int) -> "Grid":
    """Quants uint8 [blocks, block], one to a byte, and scales float32 [blocks]."""
    layout = LAYOUTS.get(kind)
    fits = (
        layout is not None
        and layout.group % block == 0
        and (layout.levels <= 1 << bits and (bits == 8 or not layout.affine))
    )
    if layout is not None and fits:
        found = unpack(raw, kind)
        groups = found.quants.reshape(-1, layout.group)
        if found.minimums is not None:
            quants, scales = _align(groups, found.scales.ravel(), found.minimums.ravel())
        else:
            quants, scales = _shift(groups, ZERO[bits] - found.zero), found.scales.ravel()
            _finite(scales)
        return quants.reshape(-1, block), np.repeat(scales, layout.group // block)
    values = dense(raw, kind, columns)
    spare = -columns % block
    if spare:
        values = np.pad(values, ((0, 0), (0, spare)))
    divisors = DIVISORS[bits][: 1 if kind in FLOAT_BYTES and bits == 8 else None]
    return nearest(values.reshape(-1, block), bits, divisors)


def _shift(quants: "Bytes", by: int) -> "Bytes":
    """A symmetric kind: the same numbers around another zero point."""
    return quants + np.uint8(by) if by else quants


def _align(quants: "Bytes", steps: "Floats", minimums: "Floats") -> "Grid":
    """A kind with minimums, on a grid of its step over a whole number.

    The step is then exact, and only the minimum is rounded, by as little as the best of the
    whole numbers allows. Groups that are still far off take the nearest grid if it is closer.
    """
    _finite(steps)
    _finite(minimums)
    size = np.abs(steps)
    reach = np.maximum(
        np.abs(_fold(quants, np.maximum) * steps + minimums),
        np.abs(_fold(quants, np.minimum) * steps + minimums),
    )
    ratio = np.divide(minimums, steps, out=np.zeros_like(steps), where=size > TINY)
    most = np.divide(127 * size, reach, out=np.zeros_like(steps), where=reach > TINY)
    most[size <= TINY] = 0
    most = np.floor(np.minimum(most, 127))
    parts = np.ones_like(steps)
    errors = np.full_like(steps, np.inf)
    for fewer in range(TRIES):
        tried = most - fewer
        at = ratio * tried
        error = np.abs(at - np.rint(at)) * size / np.maximum(tried, 1)
        better = (tried >= 1) & (error < errors)
        parts = np.where(better, tried, parts)
        errors = np.where(better, error, errors)
    offset = np.where(np.isfinite(errors), np.rint(ratio * parts), 0) + ZERO[8]
    # Bytes wrap around on the way, and the sums are bytes again.
    grid = quants * parts.astype(np.uint8)[:, None]
    grid += offset.astype(np.int32).astype(np.uint8)[:, None]
    scales = steps / parts
    far = np.flatnonzero(errors > FAR * reach / 127)
    if len(far):
        values = quants[far] * steps[far, None] + minimums[far, None]
        rounded, rounded_scales = nearest(values, 8, DIVISORS[8])
        error = (rounded - np.float32(ZERO[8])) * rounded_scales[:, None] - values
        closer = np.einsum("ij,ij->i", error, error) < values.shape[1] * errors[far] ** 2
        grid[far[closer]] = rounded[closer]
        scales[far[closer]] = rounded_scales[closer]
    return grid, scales


def _finite(numbers: "Floats") -> None:
    if not np.isfinite(numbers).all():
        raise CorruptSource(
            say("A weight is not a number.", "가중치에 수가 아닌 값이 있습니다."),
            say("A block holds a NaN or an infinity.", "블록에 NaN이나 무한대가 있습니다."),
            say("Download the model again.", "모델을 다시 내려받으세요."),
        )


def nearest(values: "Floats", bits: int, divisors: tuple[float, ...]) -> "Grid":
    """Round to the grid, of those tried, with the smallest squared error.

    Args:
        values: float32 [blocks, values of a block].
        bits: 4 or 8.
        divisors: as `DIVISORS`.

    Returns:
        Quants uint8 [blocks, values], one to a byte, and scales float32 [blocks].
    """
    high, low = _fold(values, np.maximum), _fold(values, np.minimum)
    extreme = np.where(high >= -low, high, low)
    _finite(extreme)
    extreme[np.abs(extreme) < TINY] = 0
    best, best_scale, best_error = _round(values, extreme, bits, divisors[0])
    for divisor in divisors[1:]:
        tried, scale, error = _round(values, extreme, bits, divisor)
        better = error < best_error
        best[better], best_scale[better] = tried[better], scale[better]
        best_error[better] = error[better]
    return best, best_scale


def _round(values: "Floats", extreme: "Floats", bits: int, divisor: float) -> "Tried":
    """One grid: quants, scales, and the squared error of each block."""
    zero = ZERO[bits]
    scale = extreme / np.float32(divisor)
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=scale != 0)
    steps = values * inverse[:, None]
    np.rint(steps, out=steps)
    np.clip(steps, -zero, zero - 1, out=steps)
    quants = (steps + zero).astype(np.uint8)
    steps *= scale[:, None]
    steps -= values
    return quants, scale, np.einsum("ij,ij->i", steps, steps)


def _fold(values: "NDArray[Number]", ufunc: np.ufunc) -> "NDArray[Number]":
    """A reduction over the last axis in halves: several times faster than along short rows."""
    while values.shape[1] > 1:
        middle = values.shape[1] // 2
        values = ufunc(values[:, :middle], values[:, middle:])
    return values[:, 0].copy()
