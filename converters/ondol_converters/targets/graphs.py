"""From the quantised static graph to the files of a variant: shapes, pruning, one weights file."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ondol_converters.graph.weights import WeightsFile

EMBEDDING = "embedding/Gather"
HEAD = "head"
LEAST_BYTES = 1024  # what is smaller stays in the graph
MOST = 127


def narrow_embedding(model: onnx.ModelProto) -> onnx.ModelProto:
    """Hold the embedding in int8, a scale for each row; a tied one is the head's own copy."""
    graph = model.graph
    at, gather = next((k, n) for k, n in enumerate(graph.node) if n.name == EMBEDDING)
    table = _initializer(graph, gather.input[0])
    quants, scales = _head(graph)
    if numpy_helper.to_array(_initializer(graph, quants)).shape != tuple(table.dims) or not _same(
        graph, table, quants, scales
    ):
        values, steps = _rows(numpy_helper.to_array(table))
        quants, scales = "embedding_quantized", "embedding_scale"
        graph.initializer.extend(
            [numpy_helper.from_array(values, quants), numpy_helper.from_array(steps, scales)]
        )
    graph.initializer.remove(table)
    graph.initializer.append(numpy_helper.from_array(np.array([1], np.int64), "embedding_axis"))
    ids, out = gather.input[1], gather.output[0]
    made = [
        helper.make_node("Gather", [quants, ids], ["embedding/quants"], EMBEDDING, axis=0),
        helper.make_node(
            "Cast",
            ["embedding/quants"],
            ["embedding/float"],
            "embedding/Cast",
            to=TensorProto.FLOAT,
        ),
        helper.make_node("Gather", [scales, ids], ["embedding/step"], "embedding/Step", axis=0),
        helper.make_node(
            "Unsqueeze",
            ["embedding/step", "embedding_axis"],
            ["embedding/steps"],
            "embedding/Unsqueeze",
        ),
        helper.make_node("Mul", ["embedding/float", "embedding/steps"], [out], "embedding/Rows"),
    ]
    graph.node.remove(gather)
    for offset, node in enumerate(made):
        graph.node.insert(at + offset, node)
    return model


def decode_graph(model: onnx.ModelProto, bucket: int) -> onnx.ModelProto:
    """The same graph for one token; `bucket` is how many it is for now."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    for value in (*made.graph.input, *made.graph.output):
        dims = value.type.tensor_type.shape.dim
        if value.name in ("input_ids", "positions", "logits"):
            dims[0].dim_value = 1
        elif value.name.startswith("mask"):
            dims[0].dim_value, dims[1].dim_value = 1, dims[1].dim_value - bucket + 1
        elif value.name.startswith("new."):
            dims[1].dim_value = 1
    del made.graph.value_info[:]  # of the other shape
    return made


def prefill_graph(model: onnx.ModelProto) -> onnx.ModelProto:
    """The same graph without logits, and without all that only they need."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    kept = [output for output in graph.output if output.name != "logits"]
    del graph.output[:]
    graph.output.extend(kept)
    needed = {output.name for output in kept}
    nodes = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            nodes.append(node)
            needed |= set(node.input)
    del graph.node[:]
    graph.node.extend(reversed(nodes))
    for part in (graph.initializer, graph.value_info):
        _keep(part, needed)
    return made


def store(model: onnx.ModelProto, file: WeightsFile, name: str) -> None:
    """Move the large initializers into a weights file, from which every graph then reads them."""
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.nbytes < LEAST_BYTES:
            continue
        stored = file.add(tensor.name, values.dtype.name, values.shape, [values])
        for each in ("raw_data", "float_data", "int32_data", "int64_data"):
            tensor.ClearField(each)
        tensor.data_location = TensorProto.EXTERNAL
        del tensor.external_data[:]
        for key, value in (
            ("location", name),
            ("offset", str(stored.offset)),
            ("length", str(stored.length)),
        ):
            tensor.external_data.add(key=key, value=value)


def _initializer(graph: onnx.GraphProto, name: str) -> onnx.TensorProto:
    return next(tensor for tensor in graph.initializer if tensor.name == name)


def _head(graph: onnx.GraphProto) -> tuple[str, str]:
    """The head's integers and their scales, by name."""
    gemm = next(node for node in graph.node if node.name == f"{HEAD}/Gemm")
    pair = next(node for node in graph.node if node.output[0] == gemm.input[1])
    return str(pair.input[0]), str(pair.input[1])


def _same(graph: onnx.GraphProto, table: onnx.TensorProto, quants: str, scales: str) -> bool:
    """Whether the head's integers are the embedding's: a tied head."""
    steps = numpy_helper.to_array(_initializer(graph, scales))
    values = numpy_helper.to_array(_initializer(graph, quants))
    rows = numpy_helper.to_array(table)
    return bool(np.abs(values * steps[:, None] - rows).max() <= np.abs(steps).max())


def _rows(table: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A table in int8, a scale for each row."""
    steps = np.abs(table).max(axis=1) / np.float32(MOST)
    steps[steps == 0] = 1
    return np.rint(table / steps[:, None]).astype(np.int8), steps


def _keep(part: Any, names: Iterable[str]) -> None:
    kept = [each for each in part if each.name in names]
    del part[:]
    part.extend(kept)
