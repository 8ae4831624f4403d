"""Tensors of the C library over numpy's memory, and copies of its own."""

import ctypes
import math
from collections.abc import Sequence
from ctypes import c_int, c_int64, c_size_t
from typing import TYPE_CHECKING

import numpy as np

from ondol_runtimes.capi.api import Api

if TYPE_CHECKING:
    from ondol_runtimes._inference import Array

NAMES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    6: "int32",
    7: "int64",
    9: "bool",
    10: "float16",
    11: "float64",
}
"""`ONNXTensorElementDataType` and numpy's names."""

CODES = {np.dtype(name): code for code, name in NAMES.items()}


class Tensors:
    """Makes `OrtValue`s in one kind of memory."""

    def __init__(self, api: Api, memory: int) -> None:
        self._api = api
        self.memory = memory

    def over(self, array: "Array", shape: Sequence[int]) -> int:
        """A tensor that is the first elements of a contiguous array, in a shape; no copy.

        The array must live as long as the tensor, which the caller releases.
        """
        return self._api.made(
            "CreateTensorWithDataAsOrtValue",
            self.memory,
            array.ctypes.data,
            array.nbytes,
            (c_int64 * len(shape))(*shape),
            len(shape),
            CODES[array.dtype],
        )

    def copy(self, value: int) -> "Array":
        """What a tensor holds, as an array of its own."""
        facts = self._api.made("GetTensorTypeAndShape", value)
        try:
            code, shape = self.facts(facts)
        finally:
            self._api.release("ReleaseTensorTypeAndShapeInfo", facts)
        array = np.empty(shape, NAMES[code])
        size = math.prod(shape) * array.itemsize
        if size:
            ctypes.memmove(array.ctypes.data, self._api.made("GetTensorMutableData", value), size)
        return array

    def facts(self, tensor: int) -> tuple[int, tuple[int, ...]]:
        """The code of a tensor's type, and its shape; -1 is a free size."""
        code, rank = c_int(), c_size_t()
        self._api.call("GetTensorElementType", tensor, ctypes.byref(code))
        self._api.call("GetDimensionsCount", tensor, ctypes.byref(rank))
        sizes = (c_int64 * rank.value)()
        self._api.call("GetDimensions", tensor, sizes, rank.value)
        return code.value, tuple(sizes)
