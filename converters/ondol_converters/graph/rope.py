"""Rotary tables: cosines and sines for every position of the planned context."""

import math

import numpy as np
from numpy.typing import NDArray

from ondol_converters.families.decoder import Rope


def frequencies(
    rope: Rope, turned: int, factors: NDArray[np.float32] | None = None
) -> NDArray[np.float64]:
    """Radians per position, float64 [turned / 2] (RoFormer, arXiv 2104.09864).

    `factors` [turned / 2] divide the frequencies where the scaling is "tensor".
    """
    plain = rope.theta ** -(np.arange(0, turned, 2, dtype=np.float64) / turned)
    if rope.scaling == "linear":
        return plain / rope.factor
    if rope.scaling == "tensor" and factors is not None:
        return plain / factors.astype(np.float64)
    if rope.scaling == "llama3":
        # Llama 3.1: wavelengths above `long` are stretched, those below `short` are kept
        wavelength = 2 * math.pi / plain
        short = rope.original_context / rope.high_freq_factor
        long = rope.original_context / rope.low_freq_factor
        kept = (rope.original_context / wavelength - rope.low_freq_factor) / (
            rope.high_freq_factor - rope.low_freq_factor
        )
        mixed = (1 - kept) * plain / rope.factor + kept * plain
        return np.where(
            wavelength > long, plain / rope.factor, np.where(wavelength < short, plain, mixed)
        )
    return plain


def tables(
    rope: Rope, turned: int, context: int, factors: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosine and sine tables, each float32 [context, turned / 2]."""
    angles = np.arange(context, dtype=np.float64)[:, None] * frequencies(rope, turned, factors)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
