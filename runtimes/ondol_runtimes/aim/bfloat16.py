"""The arithmetic of a bank in numpy, on BF16 values held as float32 numbers.

Assumed, since the vendor gives no bit-exact description: the 16 products of a column are exact
(two 8-bit significands fit in float32), a tree of adjacent pairs sums them in float32, columns
are added to a float32 accumulator in their order, and the sum is rounded once, to BF16, when it
is read (the simulator's register of 16 bits). Rounding is to nearest, ties to even.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ondol_runtimes.aim.geometry import GEOMETRY

UNIT = 2.0**-8
"""Half the distance of two BF16 neighbours, relative: 8 bits of significand."""

UNIT_FLOAT32 = 2.0**-24
QUIET_NAN = np.uint32(0x7FC00000)

Values = NDArray[np.float32]


def rounded(numbers: NDArray[np.floating[Any]]) -> Values:
    """The nearest BF16 values, as float32; what is too large is infinite, NaN stays NaN."""
    single = np.ascontiguousarray(numbers, np.float32)
    bits = single.view(np.uint32)
    up = ((bits >> 16) & 1) + np.uint32(0x7FFF)
    made = (bits + up) & np.uint32(0xFFFF0000)
    return np.where(np.isnan(single), QUIET_NAN, made).view(np.float32)


def product(weights: Values, vector: Values) -> Values:
    """What the banks' accumulators hold after a matrix-vector product, as it is read.

    Args:
        weights: BF16 values [rows, columns]; each row is one bank's work.
        vector: BF16 values [columns].

    Returns:
        BF16 values [rows].
    """
    lanes = GEOMETRY.lanes
    padding = -weights.shape[1] % lanes
    if padding:
        weights = np.pad(weights, ((0, 0), (0, padding)))
        vector = np.pad(vector, (0, padding))
    sums = (weights * vector).reshape(len(weights), -1, lanes)
    while sums.shape[2] > 1:
        sums = sums[:, :, 0::2] + sums[:, :, 1::2]
    total = np.zeros(len(weights), np.float32)
    for column in np.ascontiguousarray(sums[:, :, 0].T):
        total += column
    return rounded(total)


def error_bound(
    weights: NDArray[np.floating[Any]], vector: NDArray[np.floating[Any]], *, operands: bool
) -> NDArray[np.float64]:
    """The most that `product` can be away from the exact product, for every row.

    Of n float32 additions in a row the error is at most n u / (1 - n u) of the sum of the
    products' sizes (Higham, Accuracy and Stability of Numerical Algorithms, section 4.2); reading
    adds half a BF16 step of the result. It holds while nothing overflows or is subnormal.

    Args:
        weights: [rows, columns].
        vector: [columns].
        operands: whether these are the numbers before they were rounded to BF16.
    """
    w, x = np.abs(weights).astype(np.float64), np.abs(vector).astype(np.float64)
    sizes = w @ x
    grown = (1 + UNIT) ** 2 if operands else 1.0
    additions = GEOMETRY.lanes.bit_length() - 1 - (-weights.shape[1] // GEOMETRY.lanes)
    gamma = additions * UNIT_FLOAT32 / (1 - additions * UNIT_FLOAT32)
    exact = np.abs(weights.astype(np.float64) @ vector.astype(np.float64))
    before = (grown - 1 + grown * gamma) * sizes
    return np.asarray(before + UNIT * (exact + before), np.float64)
