"""Which layout a matrix gets when nobody plans it, and how its scales are kept."""

import numpy as np
from numpy.typing import NDArray

from ondol_converters.quantise.halves import HALVES
from ondol_converters.quantise.repack import NEAREST, exact_layout
from ondol_converters.recipe import Layout

FLOAT = Layout(32, 0, "none")
"""Values as float32, in no blocks."""

HALF_STEP = 2.0**-11
"""The relative error of a number rounded to float16."""


def finest(kinds: list[str], columns: int) -> Layout:
    """The layout that holds every one of a fused matrix' storage kinds as well as its own would.

    Args:
        kinds: GGML's names of the storage of its parts.
        columns: values in a row, a multiple of 16.
    """
    layouts = [exact_layout(kind) or NEAREST for kind in kinds]
    block = min(block for _, block in layouts)
    bits = max(bits for bits, _ in layouts)
    return Layout(bits, block if columns % block == 0 else 16, "nearest")


def exactly(kind: str, layout: Layout) -> bool:
    """Whether this layout holds a storage kind without loss."""
    if layout.bits == 16:
        return HALVES[layout.method] == kind
    own = exact_layout(kind)
    return own is not None and layout.bits >= own[0] and own[1] % layout.block == 0


def narrowed(scales: NDArray[np.float32], exact: bool) -> NDArray[np.float16 | np.float32]:
    """Scales as float16, half the bytes, where that changes nothing that counts.

    Where the blocks are exact the scales must be too. Else no scale may move by more than the
    largest does, which is far below the rounding of the weights themselves.
    """
    halves: NDArray[np.float16] = np.clip(scales, -65504, 65504).astype(np.float16)
    error = np.abs(halves.astype(np.float32) - scales)
    allowed = 0.0 if exact else HALF_STEP * float(np.abs(scales).max(initial=0.0))
    return halves if float(error.max(initial=0.0)) <= allowed else scales
