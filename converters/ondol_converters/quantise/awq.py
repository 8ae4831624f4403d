"""AWQ: channels that carry large activations are kept more exactly.

Lin et al. 2023, arXiv 2306.00978. Two parts of it: `clipped` chooses each block's scale by the
error it makes in the block's output, and `channel_scales` finds by how much to stretch each
column before rounding, which is undone where the column's input comes from (a norm's weights).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ondol_converters.quantise.repack import ZERO
from ondol_converters.quantise.search import TRIED, search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Grid = tuple[NDArray[np.uint8], Floats]

EXPONENTS = tuple(step / 10 for step in range(10))
"""Powers of the activations' size to try; 0 stretches nothing."""

ROWS = 256
"""Rows that the search over exponents looks at, evenly spread: they agree on the channels."""


def clipped(values: "Floats", bits: int, gram: "Floats") -> "Grid":
    """The grid of each block whose error, seen through the block's own inputs, is smallest.

    Args:
        values: float32 [rows, blocks of a row, values of a block].
        bits: 4 or 8.
        gram: X^T X of the inputs, float32 [columns, columns], columns of whole blocks.

    Returns:
        As `search`.
    """
    _, count, block = values.shape
    apart = gram.reshape(count, block, count, block)
    own = np.stack([apart[at, :, at] for at in range(count)])
    diagonal = np.ascontiguousarray(np.diagonal(own, axis1=1, axis2=2))
    quants, scales = search(values, bits, diagonal)
    error = _seen(values, quants - np.float32(ZERO[bits]), scales, own)
    high, low = values.max(-1), values.min(-1)
    extreme = np.where(high >= -low, high, low)
    for divisor in TRIED[bits]:
        tried = extreme / np.float32(divisor)
        inverse = np.divide(1, tried, out=np.zeros_like(tried), where=tried != 0)
        steps = np.rint(values * inverse[..., None])
        np.clip(steps, -ZERO[bits], ZERO[bits] - 1, out=steps)
        through = np.einsum("rcb,cbd->rcd", steps, own, optimize=True)
        along = np.einsum("rcb,rcb->rc", through, values)
        size = np.einsum("rcb,rcb->rc", through, steps)
        tried = np.divide(along, size, out=tried, where=size > 0)
        left = _seen(values, steps, tried, own)
        better = left < error
        steps += ZERO[bits]
        quants = np.where(better[..., None], steps.astype(np.uint8), quants)
        scales, error = np.where(better, tried, scales), np.where(better, left, error)
    return quants, scales


def _seen(values: "Floats", steps: "Floats", scales: "Floats", own: "Floats") -> "Floats":
    off = steps * scales[..., None] - values
    through = np.einsum("rcb,cbd->rcd", off, own, optimize=True)
    error: Floats = np.einsum("rcb,rcb->rc", through, off)
    return error


def channel_scales(
    matrices: "Sequence[Floats]",
    gram: "Floats",
    bits: int,
    block: int,
    shared: tuple[int, int, int] | None = None,
) -> "Floats":
    """What to multiply the columns by before rounding, float32 [columns], each above 0.

    The input's producer divides by the same. Scales are powers of the root mean square of each
    channel; the exponent is the one with the smallest error in the output of all matrices that
    share the input. Ones where nothing beats rounding as it is.

    Args:
        matrices: float32 [rows, columns] each, all fed with the same input.
        gram: X^T X of that input, float32 [columns, columns].
        bits: 4 or 8.
        block: columns that share a scale; columns are a multiple of it.
        shared: columns seen as [runs, copies, run], where the copies must get the same scales.
    """
    power = np.maximum(np.diagonal(gram), 0)
    if shared is not None:
        apart = power.reshape(shared)
        power = np.broadcast_to(apart.mean(axis=1, keepdims=True), shared).reshape(-1)
    size = np.sqrt(power)
    size = np.maximum(size, size.max() * np.float32(1e-4))
    if not size.any():
        return np.ones(len(gram), np.float32)
    size /= np.exp(np.log(size).mean())
    samples = [m[:: max(1, len(m) // ROWS)] for m in matrices]
    best, least = np.ones(len(gram), np.float32), np.inf
    for exponent in EXPONENTS:
        scales = (size**exponent).astype(np.float32)
        error = sum(_output_error(m, scales, gram, bits, block) for m in samples)
        if error < least:
            best, least = scales, error
    return best


def _output_error(
    values: "Floats", scales: "Floats", gram: "Floats", bits: int, block: int
) -> float:
    stretched = (values * scales).reshape(len(values), -1, block)
    quants, steps = search(stretched, bits)
    back = (quants - np.float32(ZERO[bits])) * steps[..., None]
    off = back.reshape(values.shape) / scales - values
    return float(np.einsum("rk,rk->", off @ gram, off))
