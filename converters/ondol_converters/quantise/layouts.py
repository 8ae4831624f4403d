"""Which layout a matrix gets, and how its scales are kept."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ondol_converters.quantise.halves import HALVES
from ondol_converters.quantise.repack import NEAREST, exact_layout
from ondol_converters.recipe import BLOCKS, Layout, Options

FLOAT = Layout(32, 0, "none")
"""Values as float32, in no blocks."""

HALF_STEP = 2.0**-11
"""The relative error of a number rounded to float16."""


def planned(options: Options, name: str, kinds: Sequence[str], columns: int) -> Layout:
    """How to store a matrix: as planned for it, else as the weights option says.

    Args:
        options: of the conversion.
        name: of the matrix, ours.
        kinds: GGML's names of the storage of its parts.
        columns: values in a row.
    """
    if options.weights in HALVES:
        return Layout(16, 0, options.weights)
    if options.weights == "float32" or columns % BLOCKS[0]:
        return FLOAT  # a kernel's block is a multiple of 16
    if name in options.layouts:
        return options.layouts[name]
    if options.weights == "auto":
        return finest(kinds, columns)
    bits = {"int8": 8, "int4": 4}[options.weights]
    block = next(b for b in (options.block, *reversed(BLOCKS)) if columns % b == 0)
    return Layout(bits, block, options.rounding)


def finest(kinds: Sequence[str], columns: int) -> Layout:
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
