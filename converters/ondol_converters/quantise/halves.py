"""Weights in 16 bits: half the bytes of float32, in either of the two formats."""

import numpy as np
from numpy.typing import NDArray

from ondol.errors import UnsupportedTensor
from ondol.language import say

HALVES = {"float16": "F16", "bfloat16": "BF16"}
"""The formats, and the storage kind of a source that each holds exactly."""


def halved(
    values: NDArray[np.float32], form: str, name: str, instead: str = ""
) -> NDArray[np.float16] | NDArray[np.uint16]:
    """Finite values rounded to nearest, ties to even, in the same shape.

    Args:
        values: finite float32 numbers.
        form: one of `HALVES`; bfloat16 comes as its bits, which numpy has no type for.
        name: the tensor's, for the error.
        instead: the option that it advises; "": other weights.

    Raises:
        UnsupportedTensor: if a value is beyond what the format reaches.
    """
    if form == "float16":
        with np.errstate(over="ignore"):
            halves = values.astype(np.float16)
        if not np.isfinite(halves).all():
            raise _beyond(name, form, float(np.abs(values).max()), instead)
        return halves
    bits = np.ascontiguousarray(values).view(np.uint32)
    odd = (bits >> 16) & 1
    rounded = ((bits + (0x7FFF + odd)) >> 16).astype(np.uint16)
    if ((rounded & 0x7F80) == 0x7F80).any():
        raise _beyond(name, form, float(np.abs(values).max()), instead)
    return rounded


def _beyond(name: str, form: str, largest: float, instead: str) -> UnsupportedTensor:
    return UnsupportedTensor(
        say(f"{form} cannot hold {name}.", f"{form} 형식으로는 {name}을(를) 담을 수 없습니다."),
        say(
            f"Its largest value is {largest:.4g}.",
            f"가장 큰 값이 {largest:.4g}입니다.",
        ),
        instead or ("--weights bfloat16" if form == "float16" else "--weights float32"),
    )
