"""The weights that an ONNX graph refers to, as the bytes of a circle's tensors."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

Bytes = NDArray[np.uint8]

GROUP = 32  # values of a block of Q4_0 and Q8_0, which share a float16 scale
HALF = GROUP // 2
CHUNK_BYTES = 1 << 23
TYPES: Mapping[int, str] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.FLOAT16: "float16",
    onnx.TensorProto.BFLOAT16: "bfloat16",
    onnx.TensorProto.UINT8: "uint8",
    onnx.TensorProto.INT32: "int32",
    onnx.TensorProto.INT64: "int64",
}


@dataclass(frozen=True, slots=True)
class Initializer:
    """A constant tensor of an ONNX model, read when it is asked for."""

    proto: onnx.TensorProto
    folder: Path

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        return tuple(self.proto.dims)

    @property
    def dtype(self) -> str:
        """Numpy's name of its type, or bfloat16."""
        return TYPES[self.proto.data_type]

    @property
    def place(self) -> str:
        """What is the same for the same bytes; empty where they are in the model itself."""
        said = {entry.key: entry.value for entry in self.proto.external_data}
        return "{location}:{offset}:{length}".format(**said) if said else ""

    def values(self) -> NDArray[Any]:
        """Its values; mapped, not read, where they are in a file of weights."""
        said = {entry.key: entry.value for entry in self.proto.external_data}
        if not said:
            values: NDArray[Any] = numpy_helper.to_array(self.proto)
            return values
        held = "uint16" if self.dtype == "bfloat16" else self.dtype
        path = self.folder / said["location"]
        return np.memmap(path, held, "r", int(said["offset"]), self.shape)

    def floats(self) -> Iterator[NDArray[np.float32]]:
        """Its values as float32, a few rows at a time."""
        values = self.values()
        for rows in _runs(values):
            if self.dtype == "bfloat16":
                yield (values[rows].astype(np.uint32) << 16).view(np.float32)
            else:
                yield values[rows].astype(np.float32)


@dataclass(frozen=True, slots=True)
class Blocks:
    """A matrix in the blocks of MatMulNBits, to be stored in GGML's; in float32 if none fit.

    `quants` uint8 [rows, ...] are symmetric about 2^(bits-1), `block` of them to one of `scales`
    [rows, columns / block].
    """

    quants: Initializer
    scales: Initializer
    rows: int
    columns: int
    bits: int
    block: int

    @property
    def kind(self) -> str:
        """What it is stored in. GGML's blocks of 32 must fill the rows.

        Blocks of 16 are put into Q8_0 whatever their bits, for Q4_0 would have half their scales.
        """
        if self.columns % GROUP:
            return "float32"
        return "q4_0" if self.bits == 4 and self.block >= GROUP else "q8_0"

    @property
    def exact(self) -> bool:
        """Whether the same numbers are stored: the scales of GGML's blocks are float16."""
        held = self.block >= GROUP and self.scales.dtype == "float16"
        return held or self.kind == "float32"

    @property
    def length(self) -> int:
        """Bytes of what is stored."""
        values = self.rows * self.columns
        if self.kind == "float32":
            return 4 * values
        return values // GROUP * (2 + (HALF if self.kind == "q4_0" else GROUP))

    def stored(self) -> Iterator[NDArray[Any]]:
        """What is stored, from front to back."""
        return self.floats() if self.kind == "float32" else self.ggml()

    def floats(self) -> Iterator[NDArray[np.float32]]:
        """The values as float32 [rows, columns], a few rows at a time."""
        for quants, scales in self._rows():
            groups = quants.reshape(len(quants), -1, self.block) * scales[..., None]
            yield groups.reshape(len(quants), -1)

    def ggml(self) -> Iterator[Bytes]:
        """GGML's rows: of each 32 values a float16 scale, then the integers.

        Q4_0 holds the first half of a block in low nibbles and the second in high ones, Q8_0
        signed bytes (block_q4_0, block_q8_0 in ggml-common.h of
        https://github.com/ggml-org/ggml).
        """
        for quants, scales in self._rows():
            if self.block < GROUP:
                quants, scales = _rounded(quants, scales, self.block)
            groups = quants.reshape(len(quants), -1, GROUP)
            wide = np.repeat(scales, groups.shape[1] // scales.shape[1], axis=1)
            halves = wide.astype("<f2")[..., None].view(np.uint8)
            if self.kind == "q4_0":
                nibbles = groups + np.int8(8)
                stored = (nibbles[..., :HALF] | nibbles[..., HALF:] << 4).view(np.uint8)
            else:
                stored = groups.view(np.uint8)
            yield np.concatenate([halves, stored], axis=-1)

    def bytes(self) -> Iterator[Bytes]:
        """The integers alone, one a byte, 128 added to them."""
        for quants, _ in self._rows():
            yield np.bitwise_xor(quants.view(np.uint8), np.uint8(128)).reshape(len(quants), -1)

    def scale_rows(self) -> Iterator[NDArray[np.float32]]:
        """The scales as float32 [rows, columns / block]."""
        return self.scales.floats()

    def _rows(self) -> Iterator[tuple[NDArray[np.int8], NDArray[np.float32]]]:
        """Signed integers [rows, columns] and scales [rows, blocks], a few rows at a time."""
        packed = self.quants.values().reshape(self.rows, -1)
        scales = self.scales.values().reshape(self.rows, -1)
        for rows in _runs(packed):
            raw = np.asarray(packed[rows])
            if self.bits == 4:
                raw = np.stack([raw & 15, raw >> 4], axis=-1).reshape(len(raw), -1)
            signed = (raw ^ 128).view(np.int8) if self.bits == 8 else raw.view(np.int8) - 8
            yield signed, np.asarray(scales[rows]).astype(np.float32)


def _rounded(
    quants: NDArray[np.int8], scales: NDArray[np.float32], block: int
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Smaller blocks put onto the grid of Q8_0, to the nearest."""
    values = quants.reshape(len(quants), -1, block) * scales[..., None]
    groups = values.reshape(len(quants), -1, GROUP)
    wide = (np.abs(groups).max(axis=-1) / 127).astype(np.float16).astype(np.float32)
    steps = np.divide(groups, wide[..., None], out=np.zeros_like(groups), where=wide[..., None] > 0)
    return np.clip(np.rint(steps), -127, 127).astype(np.int8), wide


def _runs(values: NDArray[Any]) -> Iterator[slice]:
    if values.ndim == 0:
        yield slice(None)
        return
    row = max(1, values.nbytes // max(1, len(values)))
    step = max(1, CHUNK_BYTES // row)
    for start in range(0, len(values), step):
        yield slice(start, start + step)
