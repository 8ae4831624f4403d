"""The scale of each block, sought among many, that leaves the smallest weighted squared error."""

from typing import TYPE_CHECKING

import numpy as np

from ondol_converters.quantise.repack import DIVISORS, TINY, ZERO, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Grid = tuple[NDArray[np.uint8], Floats]

WHOLE = (6.0, 5.0, 4.0)
"""Grids that use only their middle: with these and `DIVISORS` every 4-bit grid is found again."""

TRIED: dict[int, tuple[float, ...]] = {
    4: (
        *(-12.0, -11.0, -10.0, -9.5, -9.0, -8.75, -8.5, -8.25, -8.0, -7.75, -7.5, -7.25, -7.0),
        *(-6.5, -6.0, 6.5, 7.0, 7.25, 7.5, 7.75, 8.0, 8.5, 9.0, 10.0, 11.0),
    ),
    8: (-130.0, -129.0, -128.0, -127.0, 126.0, 127.0, 128.0, 129.0),
}
"""A block's extreme over these are the scales to try; beyond the grid's end it is clipped."""

REFITS = 2
"""How often the best scale is fitted to its own rounding and rounded by again."""


def search(values: "Floats", bits: int, weights: "Floats | None" = None) -> "Grid":
    """The best grid of each block: rounded by many scales, each fitted by least squares.

    Args:
        values: float32 [rows, blocks of a row, values of a block].
        bits: 4 or 8.
        weights: what the squared error of a value counts, float32 [blocks of a row, values of a
            block], the same for every row; None: all count alike.

    Returns:
        Quants uint8, one to a byte, of the shape of `values`, and scales float32 [rows, blocks].
        Never worse than `nearest`, and the same where that has no error.
    """
    rows, count, block = values.shape
    flat = values.reshape(-1, block)
    whole = WHOLE if bits == 4 else ()
    found, plain = nearest(flat, bits, (*DIVISORS[bits], *whole))
    quants, scales = found.reshape(values.shape), plain.reshape(rows, count)
    if weights is None:
        weights = np.ones((count, block), np.float32)
    error = _error(values, quants - np.float32(ZERO[bits]), scales, weights)
    weighted = values * weights
    extreme = _extreme(values)
    best, best_error = np.zeros_like(scales), np.full_like(scales, np.inf)
    for divisor in TRIED[bits]:
        tried, left = _fit(values, weighted, weights, extreme / np.float32(divisor), bits)
        better = left < best_error
        best, best_error = np.where(better, tried, best), np.where(better, left, best_error)
    for _ in range(REFITS):
        steps = _steps(values, best, bits)
        best = _fitted(steps, weighted, weights, best)
        left = _error(values, steps, best, weights)
        better = left < error
        steps += ZERO[bits]
        quants = np.where(better[..., None], steps.astype(np.uint8), quants)
        scales, error = np.where(better, best, scales), np.where(better, left, error)
    return quants, scales


def _extreme(values: "Floats") -> "Floats":
    high, low = values.max(-1), values.min(-1)
    extreme: Floats = np.where(high >= -low, high, low)
    extreme[np.abs(extreme) < TINY] = 0
    return extreme


def _steps(values: "Floats", scales: "Floats", bits: int) -> "Floats":
    """Whole numbers on the grid, around 0."""
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=np.abs(scales) > TINY)
    steps = values * inverse[..., None]
    np.rint(steps, out=steps)
    np.clip(steps, -ZERO[bits], ZERO[bits] - 1, out=steps)
    return steps


def _fitted(
    steps: "Floats", weighted: "Floats", weights: "Floats", otherwise: "Floats"
) -> "Floats":
    """The scales that suit these steps best."""
    along = np.einsum("rcb,rcb->rc", weighted, steps)
    size = np.einsum("rcb,cb->rc", steps * steps, weights)
    fits = (size > TINY) & (np.abs(along) > TINY * size)
    fitted = otherwise.copy()
    np.divide(along, size, out=fitted, where=fits)
    return fitted


def _fit(
    values: "Floats", weighted: "Floats", weights: "Floats", scales: "Floats", bits: int
) -> "tuple[Floats, Floats]":
    steps = _steps(values, scales, bits)
    fitted = _fitted(steps, weighted, weights, scales)
    return fitted, _error(values, steps, fitted, weights)


def _error(values: "Floats", steps: "Floats", scales: "Floats", weights: "Floats") -> "Floats":
    off = steps * scales[..., None]
    off -= values
    off *= off
    error: Floats = np.einsum("rcb,cb->rc", off, weights)
    return error
