"""SmoothQuant: columns with large inputs get larger weights, and smaller inputs.

Xiao et al. 2022, arXiv 2211.10438. Kernels round what a matrix is multiplied with to 8 bits in
blocks of columns, as they run: one large column takes the precision of its whole block. 8-bit
weights have some to spare, so part of the size is moved to them.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ondol_converters.quantise.repack import nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

POWERS = ((0.0, 0.0), (0.25, 0.0), (0.25, 0.25), (0.5, 0.0), (0.5, 0.25), (0.5, 0.5), (0.75, 0.25))
"""Powers to try: of the inputs' size, and of one over the weights'; the first changes nothing."""

ROWS = 256  # of a matrix that are looked at, evenly spread
SMALLEST = 1e-3  # of the largest column: what is smaller is not stretched further
MOST = 127  # the largest step of 8 bits


def smoothing_scales(
    matrices: "Sequence[Floats]",
    gram: "Floats",
    inputs: "Floats",
    block: int,
    shared: tuple[int, int, int],
) -> "Floats":
    """What to multiply the columns by before rounding, float32 [columns], each above 0.

    Of a few powers those whose output is least off when weights and inputs are both in 8 bits.

    Args:
        matrices: float32 [rows, columns] each, all fed with the same input.
        gram: X^T X of that input over all tokens, float32 [columns, columns].
        inputs: some rows of X, float32 [tokens, columns].
        block: columns that share a scale.
        shared: columns seen as [runs, copies, run], where the copies must get the same scales.
    """
    samples = np.concatenate([m[:: max(1, len(m) // ROWS)] for m in matrices])
    seen = _alike(np.maximum(np.diagonal(gram), 0), shared)
    size = _alike(np.einsum("rc,rc->c", samples, samples), shared)
    tokens = np.maximum(np.trace(gram) / max(float(np.einsum("tc,tc->", inputs, inputs)), 1e-30), 1)
    best, least = np.ones(len(gram), np.float32), np.inf
    for power, over in POWERS:
        scales = (seen**power / size**over).astype(np.float32)
        stretched, shrunk = samples * scales, inputs / scales
        off = _eight_bits(stretched, block) / scales - samples
        error = float(np.einsum("rk,rk->", off @ gram, off))
        error += tokens * input_error(stretched, shrunk, block)
        if error < least:
            best, least = scales, error
    return best


def input_error(values: "Floats", inputs: "Floats", block: int) -> float:
    """The squared error of a product, summed over rows and tokens, for inputs in 8 bits.

    Args:
        values: float32 [rows, columns].
        inputs: float32 [tokens, columns].
        block: columns of a token that share a scale, as the kernels have it.
    """
    off = (rounded_inputs(inputs, block) - inputs) @ values.T
    return float(np.einsum("tr,tr->", off, off, dtype=np.float64))


def rounded_inputs(inputs: "Floats", block: int) -> "Floats":
    """Inputs float32 [tokens, columns] as `MatMulNBits` sees them at accuracy level 4."""
    blocks = inputs.reshape(len(inputs), -1, block)
    scales = np.abs(blocks).max(-1, keepdims=True, initial=0) / MOST
    steps = np.divide(blocks, scales, out=np.zeros_like(blocks), where=scales > 0)
    np.rint(steps, out=steps)
    steps *= scales
    found: Floats = steps.reshape(inputs.shape)
    return found


def _eight_bits(values: "Floats", block: int) -> "Floats":
    flat = values.reshape(-1, block)
    quants, scales = nearest(flat, 8, (float(MOST),))
    found: Floats = ((quants - np.float32(128)) * scales[:, None]).reshape(values.shape)
    return found


def _alike(power: "Floats", shared: tuple[int, int, int]) -> "Floats":
    """Root mean squares of columns, copies alike, around 1 and none next to 0."""
    mean = power.reshape(shared).mean(axis=1, keepdims=True)
    size = np.sqrt(np.broadcast_to(mean, shared).reshape(-1))
    if not size.any():
        return np.ones_like(size)
    size = np.maximum(size, size.max() * np.float32(SMALLEST))
    found: Floats = size / np.exp(np.log(size).mean())
    return found
