"""The file of external weights: written once from front to back, never held in memory."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

ALIGNMENT = 4096  # a page, so that every tensor can be mapped by itself
ITEM_BYTES = {"bfloat16": 2}  # of types that numpy lacks; they are written as uint16


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a tensor lies in the weights file. `dtype` is a numpy name or bfloat16; in bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    length: int

    def seen_as(self, name: str, shape: tuple[int, ...]) -> "Stored":
        """The same bytes under another name and shape: one copy in the file."""
        return replace(self, name=name, shape=shape)

    def rows(self, start: int, stop: int) -> "Stored":
        """A run of rows of the same bytes, under a name of its own."""
        row = self.length // self.shape[0]
        shape = (stop - start, *self.shape[1:])
        name = f"{self.name}.{start}"
        return replace(
            self, name=name, shape=shape, offset=self.offset + start * row, length=shape[0] * row
        )


@dataclass(frozen=True, slots=True)
class Matrix:
    """A weight matrix [rows, columns] as stored: floats (`bits` 16 or 32) or blocks of integers.

    Blocks are those of ONNX Runtime's MatMulNBits: `quants` uint8 [rows, blocks, block·bits/8],
    symmetric about 2^(bits-1), `scales` float16 or float32 [rows, blocks].
    """

    rows: int
    columns: int
    bits: int
    block: int
    quants: Stored
    scales: Stored | None = None
    bias: NDArray[np.float32] | None = None

    def split(self, most_bytes: int) -> tuple["Matrix", ...]:
        """The matrix as runs of rows of at most so many bytes: the same bytes in the file."""
        count = -(-self.quants.length // most_bytes)
        step = -(-self.rows // count)
        return tuple(
            self._run(start, min(start + step, self.rows)) for start in range(0, self.rows, step)
        )

    def _run(self, start: int, stop: int) -> "Matrix":
        scales = self.scales.rows(start, stop) if self.scales else None
        bias = None if self.bias is None else self.bias[start:stop]
        return replace(
            self, rows=stop - start, quants=self.quants.rows(start, stop), scales=scales, bias=bias
        )


def joined(parts: Sequence[Matrix]) -> Matrix:
    """Runs of rows that lie behind each other in the weights file as the matrix they are of."""
    biases = [part.bias for part in parts if part.bias is not None]
    scales = [part.scales for part in parts if part.scales is not None]
    return replace(
        parts[0],
        rows=sum(part.rows for part in parts),
        quants=_run("head", [part.quants for part in parts]),
        scales=_run("head.scales", scales) if scales else None,
        bias=np.concatenate(biases) if biases else None,
    )


def _run(name: str, parts: Sequence[Stored]) -> Stored:
    shape = (sum(part.shape[0] for part in parts), *parts[0].shape[1:])
    length = sum(part.length for part in parts)
    return replace(parts[0], name=name, shape=shape, length=length)


class WeightsFile:
    """Appends tensors to a file at page boundaries."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")

    def add(
        self, name: str, dtype: str, shape: tuple[int, ...], chunks: Iterable[NDArray[np.generic]]
    ) -> Stored:
        """Write a tensor given as consecutive chunks of its values, C order."""
        offset = -(-self._file.tell() // ALIGNMENT) * ALIGNMENT
        self._file.seek(offset)
        for chunk in chunks:
            self._file.write(np.ascontiguousarray(chunk).data)
        stored = Stored(name, dtype, shape, offset, self._file.tell() - offset)
        item = ITEM_BYTES.get(dtype) or np.dtype(dtype).itemsize
        expected = int(np.prod(shape, dtype=np.int64)) * item
        if stored.length != expected:
            raise ValueError(f"{name}: {stored.length} bytes written, {expected} expected")
        return stored

    def finish(self) -> int:
        """Flush to the disk; the file's size in bytes."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
