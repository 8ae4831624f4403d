"""A circle file: tables made by circle-schema, the weights behind them.

A circle is a flatbuffer (res/CircleSchema of https://github.com/Samsung/ONE). A builder would hold
all of it in memory, several times over. So it makes the tables alone, with empty buffers; then the
bytes of each buffer are appended and its reference is pointed at them: references of a flatbuffer
lead forward, to any place.
"""

import os
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import circle_schema.v0_10.circle as schema
import flatbuffers
import numpy as np
from numpy.typing import NDArray

from ondol.errors import OptionError
from ondol.files import storage_errors, sync_folder
from ondol.language import say
from ondol.stateless import Port

IDENTIFIER = b"CIR0"
ALIGNMENT = 64
MOST_BYTES = (1 << 31) - 1
"""A flatbuffer's readers count bytes in 31 bits."""

TYPES = schema.TensorType.TensorType
KINDS = {
    "float32": TYPES.FLOAT32,
    "int32": TYPES.INT32,
    "uint8": TYPES.UINT8,
    "q4_0": TYPES.GGML_Q4_0,
    "q8_0": TYPES.GGML_Q8_0,
}
"""The schema's types of tensors by our names: numpy's, and GGML's of blocks."""

Chunks = Callable[[], Iterable[NDArray[Any]]]
"""Gives the bytes of a weight from front to back, whenever it is asked."""


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the graph: its number, its kind (of `KINDS`) and its shape."""

    index: int
    kind: str
    shape: tuple[int, ...]


NOTHING = Value(-1, "float32", ())
"""An input that is left out."""


@dataclass(frozen=True, slots=True)
class _Filling:
    """What a buffer is to hold."""

    length: int
    chunks: Chunks


class CircleFile:
    """Collects tensors and operators; `write()` makes the file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._codes: list[int] = []
        self._fillings: list[_Filling] = []
        self.inputs: list[Port] = []
        self.outputs: list[Port] = []
        self._ends: tuple[list[int], list[int]] = ([], [])

    def input(self, name: str, kind: str, shape: Sequence[int]) -> Value:
        """Declare an input; a runtime may resize it before it prepares the graph."""
        value = self._tensor(name, kind, shape)
        self._ends[0].append(value.index)
        self.inputs.append(Port(name, kind, value.shape))
        return value

    def output(self, name: str, value: Value) -> None:
        """Declare an output."""
        self._ends[1].append(value.index)
        self.outputs.append(Port(name, value.kind, value.shape))

    def constant(self, name: str, array: NDArray[Any]) -> Value:
        """A small tensor, held in memory."""
        kept = np.ascontiguousarray(array)
        shape = array.shape or (1,)
        return self.weight(name, kept.dtype.name, shape, kept.nbytes, lambda: [kept])

    def weight(
        self, name: str, kind: str, shape: Sequence[int], length: int, chunks: Chunks
    ) -> Value:
        """A tensor of `length` bytes, which are asked for when the file is written."""
        self._fillings.append(_Filling(length, chunks))
        return self._tensor(name, kind, shape, len(self._fillings))

    def quantised(self, value: Value, scale: float, zero: int) -> None:
        """Say of a tensor of integers that it stands for (integer - zero) times scale."""
        said = schema.QuantizationParameters.QuantizationParametersT()
        said.scale, said.zeroPoint = [scale], [zero]
        self._tensors[value.index].quantization = said

    def operator(
        self,
        code: str,
        inputs: Sequence[Value],
        outputs: Sequence[tuple[str, str, Sequence[int]]],
        options: Any = None,
    ) -> list[Value]:
        """Add an operator by its name in the schema.

        Args:
            code: such as "FULLY_CONNECTED".
            inputs: what it reads, in the schema's order.
            outputs: name, kind and shape of what it makes.
            options: its options as circle-schema's object, if it has any.
        """
        number = getattr(schema.BuiltinOperator.BuiltinOperator, code)
        if number not in self._codes:
            self._codes.append(number)
        made = [self._tensor(*each) for each in outputs]
        operator = schema.Operator.OperatorT()
        operator.opcodeIndex = self._codes.index(number)
        operator.inputs = [value.index for value in inputs]
        operator.outputs = [value.index for value in made]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(schema.BuiltinOptions.BuiltinOptions, kind)
            operator.builtinOptions = options
        self._operators.append(operator)
        return made

    def operators(self) -> tuple[str, ...]:
        """Every operator used, by its name in the schema, sorted."""
        names = {
            number: name
            for name, number in vars(schema.BuiltinOperator.BuiltinOperator).items()
            if isinstance(number, int)
        }
        return tuple(sorted(names[number] for number in self._codes))

    def kinds(self) -> tuple[str, ...]:
        """Every kind of the weights, by our names, sorted."""
        names = {number: name for name, number in KINDS.items()}
        return tuple(sorted({names[each.type] for each in self._tensors if each.buffer}))

    def write(self, path: Path, progress: Callable[[int, int], None]) -> None:
        """Write the file whole or not at all; `progress` is told bytes done and in all.

        Raises:
            OptionError: if it would be larger than a flatbuffer can be.
            StorageError: if the disk refuses.
        """
        tables = self._tables()
        total = len(tables) + sum(filling.length + ALIGNMENT for filling in self._fillings)
        if total > MOST_BYTES:
            raise too_large(path.name, total)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
        with storage_errors(path):
            try:
                with temporary.open("wb") as file:
                    file.write(tables)
                    for at, filling in zip(_references(tables), self._fillings, strict=True):
                        # the length is before the bytes, and the bytes are aligned
                        start = -(-(file.tell() + 4) // ALIGNMENT) * ALIGNMENT
                        file.write(bytes(start - 4 - file.tell()))
                        file.write(struct.pack("<I", filling.length))
                        for chunk in filling.chunks():
                            file.write(np.ascontiguousarray(chunk).data)
                            progress(file.tell(), total)
                        end = file.tell()
                        if end - start != filling.length:
                            raise ValueError(f"{end - start} bytes, {filling.length} expected")
                        file.seek(at)
                        file.write(struct.pack("<I", start - 4 - at))
                        file.seek(end)
                    file.flush()
                    os.fsync(file.fileno())
                temporary.replace(path)
                sync_folder(path.parent)
            finally:
                temporary.unlink(missing_ok=True)

    def _tensor(self, name: str, kind: str, shape: Sequence[int], buffer: int = 0) -> Value:
        tensor = schema.Tensor.TensorT()
        tensor.name = name
        tensor.type = KINDS[kind]
        tensor.shape = list(shape)
        tensor.hasRank = True
        tensor.buffer = buffer
        self._tensors.append(tensor)
        return Value(len(self._tensors) - 1, kind, tuple(shape))

    def _tables(self) -> bytes:
        """The file without its weights."""
        graph = schema.SubGraph.SubGraphT()
        graph.name = self._name
        graph.tensors, graph.operators = self._tensors, self._operators
        graph.inputs, graph.outputs = self._ends
        model = schema.Model.ModelT()
        model.version = 0
        model.description = "ondol"
        model.subgraphs = [graph]
        model.operatorCodes = [_code(number) for number in self._codes]
        model.buffers = [schema.Buffer.BufferT() for _ in range(len(self._fillings) + 1)]
        for buffer in model.buffers[1:]:  # the first stands for tensors without bytes
            buffer.data = []
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())


def _code(number: int) -> Any:
    code = schema.OperatorCode.OperatorCodeT()
    code.builtinCode = number
    code.deprecatedBuiltinCode = min(number, 127)
    return code


def _references(tables: bytes) -> list[int]:
    """Where each buffer's reference to its bytes lies, of all but the first."""
    model: Any = schema.Model.Model.GetRootAs(tables)
    found = []
    for number in range(1, model.BuffersLength()):
        table = model.Buffers(number)._tab
        found.append(table.Pos + table.Offset(4))  # `data` is the first field
    return found


def too_large(name: str, size: int) -> OptionError:
    """The error for a file of more bytes than a flatbuffer has."""
    return OptionError(
        say(
            f"{name} would take {size / 1e9:.2f} GB.",
            f"{name} 파일이 {size / 1e9:.2f} GB가 됩니다.",
        ),
        say(
            "A circle file is a flatbuffer, which ends at 2.14 GB.",
            "circle 파일은 flatbuffer라서 2.14 GB를 넘을 수 없습니다.",
        ),
        "--weights int4 --vocabulary ko-en-compact",
    )
