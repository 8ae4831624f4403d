"""A graph that computes in float16 between float32 inputs and outputs, its weights in float16."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ondol_converters.graph.weights import Stored, WeightsFile
from ondol_converters.quantise.halves import halved

FLOAT16 = "float16"
INSTEAD = "--activations a16w8"
CHUNK_ELEMENTS = 1 << 21


class HalfWeights:
    """Moves tensors of a float32 weights file into another in float16, each once."""

    def __init__(self, source: Path, file: WeightsFile, name: str) -> None:
        """Args: the float32 file, the open other one, and what graphs call that."""
        self._source, self._file, self._name = source, file, name
        self._moved: dict[int, Stored] = {}

    def move(self, tensor: TensorProto) -> None:
        """Let a tensor that lies in the float32 file lie in the other.

        Raises:
            UnsupportedTensor: if a value is beyond what float16 reaches.
        """
        entries = {entry.key: entry.value for entry in tensor.external_data}
        offset, shape = int(entries["offset"]), tuple(tensor.dims)
        if offset not in self._moved:
            values = np.memmap(self._source, np.float32, "r", offset, shape).reshape(-1)
            runs = (
                _half(values[at : at + CHUNK_ELEMENTS], tensor.name)
                for at in range(0, values.size, CHUNK_ELEMENTS)
            )
            self._moved[offset] = self._file.add(tensor.name, FLOAT16, shape, runs)
        place = self._moved[offset]
        del tensor.external_data[:]
        for key, value in (
            ("location", self._name),
            ("offset", place.offset),
            ("length", place.length),
        ):
            tensor.external_data.add(key=key, value=str(value))
        tensor.data_type = TensorProto.FLOAT16


def in_halves(model: onnx.ModelProto, move: Callable[[TensorProto], None] | None = None) -> None:
    """Turn a float32 graph into one of float16.

    Args:
        model: changed in place; what it takes and gives stays float32.
        move: told of each float32 tensor whose values are in another file.

    Raises:
        UnsupportedTensor: if a value is beyond what float16 reaches.
    """
    graph = model.graph
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT:
            continue
        if move is not None and tensor.data_location == TensorProto.EXTERNAL:
            move(tensor)
        else:
            values = _half(numpy_helper.to_array(tensor), tensor.name)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    for node in graph.node:
        for attribute in node.attribute:
            if (node.op_type, attribute.name, attribute.i) == ("Cast", "to", TensorProto.FLOAT):
                attribute.i = TensorProto.FLOAT16
    del graph.value_info[:]
    for value in graph.input:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            inner = _renamed(graph, value.name)
            graph.node.insert(0, _cast(value.name, inner, TensorProto.FLOAT16))
    for value in graph.output:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT:
            inner = _renamed(graph, value.name)
            graph.node.append(_cast(inner, value.name, TensorProto.FLOAT))


def _renamed(graph: onnx.GraphProto, name: str) -> str:
    """What a value is called from now on, wherever nodes name it."""
    inner = f"{name}/float16"
    for node in graph.node:
        for names in (node.input, node.output):
            for at, each in enumerate(names):
                if each == name:
                    names[at] = inner
    return inner


def _cast(value: str, output: str, to: int) -> onnx.NodeProto:
    return helper.make_node("Cast", [value], [output], f"{output}/Cast", to=to)


def _half(values: NDArray[np.float32], name: str) -> NDArray[np.generic]:
    return halved(values, FLOAT16, name, INSTEAD)
