"""Rows of any storage kind, made of random bytes."""

import gguf
import numpy as np
from numpy.typing import NDArray

from ondol_converters.quantise.blocks import LAYOUTS, row_bytes

HALVES = {"Q4_1": (0, 2), "Q5_1": (0, 2), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,)}
"""Where float16 numbers lie in a block; elsewhere at 0."""


def random_rows(kind: str, rows: int, columns: int, seed: int = 3) -> NDArray[np.uint8]:
    """Any bytes at all, but finite scales; plain numbers are normally distributed."""
    rng = np.random.default_rng(seed)
    if kind not in LAYOUTS:
        values = rng.standard_normal((rows, columns)).astype(np.float32)
        stored = gguf.quants.quantize(values, gguf.GGMLQuantizationType[kind])
        return np.ascontiguousarray(stored).view(np.uint8).reshape(rows, -1)
    raw = rng.integers(0, 256, (rows, row_bytes(kind, columns)), dtype=np.uint8)
    blocks = raw.reshape(-1, LAYOUTS[kind].bytes)
    for at in HALVES.get(kind, (0,)):
        scales = (rng.standard_normal((len(blocks), 1)) * 0.01).astype("<f2")
        blocks[:, at : at + 2] = scales.view(np.uint8)
    return raw
