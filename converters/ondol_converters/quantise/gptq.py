"""GPTQ: what rounding one column loses is made up for by the columns after it.

Frantar et al. 2022, arXiv 2210.17323. Columns go in their own order, for a block is a run of
them; the scales of a block are sought on its columns as they are when their turn comes, each
weighted by what its error will cost: 1 / U[j, j] squared, with H^-1 = U^T U.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ondol.errors import OptionError
from ondol.language import say
from ondol_converters.quantise.repack import TINY, ZERO
from ondol_converters.quantise.search import search

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]
    Grid = tuple[NDArray[np.uint8], Floats]

DAMPING = 0.05
"""Of the mean diagonal, added to it: columns that never met an input are free otherwise."""

ROUNDS = 3
"""How often the damping is made ten times stronger where the Hessian is not positive."""

ROWS = 4096
"""Rows worked on at a time."""

LEAF = 64
"""Triangles of this size are inverted directly."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A gram matrix, and the upper triangle U with (gram + damping)^-1 = U^T U.

    Both are float32 [columns, columns]; made once by `factor` for all rows of a matrix.
    """

    gram: "Floats"
    upper: "Floats"


def factor(gram: "Floats", damping: float = DAMPING) -> Factor:
    """Factor a gram matrix X^T X, float32 [columns, columns].

    Raises:
        OptionError: if it is no gram matrix: not square, not finite, or not positive.
    """
    if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or not np.isfinite(gram).all():
        raise _no_gram(f"shape {gram.shape}")
    hessian = gram.astype(np.float64)
    mean = float(np.trace(hessian)) / max(1, len(hessian))
    if mean < 0:
        raise _no_gram(f"mean diagonal {mean:.3g}")
    for attempt in range(ROUNDS):
        damped = hessian + np.eye(len(hessian)) * (damping * 10**attempt * (mean or 1.0))
        try:
            # of the matrix turned around: H = R R^T with R upper, so U is the inverse of R
            turned = np.linalg.cholesky(damped[::-1, ::-1])
        except np.linalg.LinAlgError:
            continue
        upper = _inverse(np.ascontiguousarray(turned[::-1, ::-1]))
        return Factor(gram, upper.astype(np.float32))
    raise _no_gram("not positive definite")


def gptq(values: "Floats", bits: int, block: int, factor: Factor) -> "Grid":
    """Round rows of a matrix to blocks, each column's error carried to the columns after it.

    Args:
        values: float32 [rows, columns], columns a multiple of the block.
        bits: 4 or 8.
        block: columns that share a scale.
        factor: of the gram of the inputs of those columns.

    Returns:
        Quants uint8 [rows, columns], one to a byte, and scales float32 [rows, blocks].
    """
    quants = np.empty(values.shape, np.uint8)
    scales = np.empty((len(values), values.shape[1] // block), np.float32)
    for start in range(0, len(values), ROWS):
        rows = slice(start, start + ROWS)
        quants[rows], scales[rows] = _carry(values[rows], bits, block, factor.upper)
    return quants, scales


def _carry(values: "Floats", bits: int, block: int, upper: "Floats") -> "Grid":
    left = np.ascontiguousarray(values.T)  # a column is contiguous
    quants = np.empty(left.shape, np.uint8)
    scales = np.empty((left.shape[0] // block, left.shape[1]), np.float32)
    diagonal = np.diagonal(upper).copy()
    for at, start in enumerate(range(0, len(left), block)):
        own = slice(start, start + block)
        costs = (diagonal[own].min() / diagonal[own]) ** 2
        now = np.ascontiguousarray(left[own].T)[:, None]
        scales[at] = search(now, bits, costs[None])[1][:, 0]
        errors = _block(left[own], quants[own], scales[at], bits, upper[own, own])
        left[own.stop :] -= upper[own, own.stop :].T @ errors
    return quants.T, scales.T


def _block(
    left: "Floats", quants: "NDArray[np.uint8]", scale: "Floats", bits: int, upper: "Floats"
) -> "Floats":
    """Round one block column by column; the errors over U's diagonal, float32 like `left`."""
    inverse = np.divide(1, scale, out=np.zeros_like(scale), where=np.abs(scale) > TINY)
    errors = np.empty_like(left)
    for j in range(len(left)):
        steps = left[j] * inverse
        np.rint(steps, out=steps)
        np.clip(steps, -ZERO[bits], ZERO[bits] - 1, out=steps)
        errors[j] = (left[j] - steps * scale) / upper[j, j]
        quants[j] = (steps + ZERO[bits]).astype(np.uint8)
        left[j + 1 :] -= upper[j, j + 1 :, None] * errors[j]
    return errors


def _inverse(upper: "Doubles") -> "Doubles":
    """The inverse of an upper triangle, by halves."""
    if len(upper) <= LEAF:
        leaf: Doubles = np.triu(np.linalg.inv(upper)).astype(np.float64)
        return leaf
    half = len(upper) // 2
    out = np.zeros_like(upper)
    out[:half, :half] = _inverse(upper[:half, :half])
    out[half:, half:] = _inverse(upper[half:, half:])
    out[:half, half:] = -out[:half, :half] @ (upper[:half, half:] @ out[half:, half:])
    return out


def _no_gram(why: str) -> OptionError:
    return OptionError(
        say("The calibration gave no usable statistics.", "보정 통계를 쓸 수 없습니다."),
        say(
            f"Products of activations are expected: {why}.",
            f"활성값의 곱이어야 합니다: {why}.",
        ),
        say("Calibrate with other text.", "다른 글로 보정하세요."),
    )
