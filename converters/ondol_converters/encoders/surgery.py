"""Changes to an exported graph: pooling behind it, dead ends cut off, weights outside, 8 bits."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from ondol.manifest import MatrixRecord
from ondol_converters.encoders.drawn import Use
from ondol_converters.graph.encoder import EMBEDDING
from ondol_converters.quantise.qdq import dynamic_int8

OUTSIDE_FROM = 1024  # bytes: smaller tensors stay in the graph
BITS: dict[int, int] = {TensorProto.FLOAT: 32, TensorProto.INT8: 8, TensorProto.UINT8: 8}
QUANTISED = ("MatMul", "Gather")


def pool(model: onnx.ModelProto, use: Use, width: int) -> None:
    """Put pooling and normalisation behind the graph's first output [batch, tokens, width]."""
    graph = model.graph
    x = graph.output[0].name
    made: list[onnx.NodeProto] = []

    def node(kind: str, inputs: list[str], name: str, said: dict[str, int] | None = None) -> str:
        drawn = helper.make_node(kind, inputs, [f"pool/{name}"], f"pool/{name}")
        drawn.attribute.extend(helper.make_attribute(k, v) for k, v in (said or {}).items())
        made.append(drawn)
        return f"pool/{name}"

    def constant(name: str, value: list[int] | int) -> str:
        tensor = numpy_helper.from_array(np.array(value, np.int64), f"pool/{name}")
        graph.initializer.append(tensor)
        return f"pool/{name}"

    if use.pooling == "mean":
        axis = constant("axis", [1])
        real = node("Cast", ["attention_mask"], "real", {"to": TensorProto.FLOAT})
        column = node("Unsqueeze", [real, constant("last", [-1])], "column")
        kept = node("Mul", [x, column], "kept")
        total = node("ReduceSum", [kept, axis], "total", {"keepdims": 0})
        count = node("ReduceSum", [column, axis], "count", {"keepdims": 0})
        pooled = node("Div", [total, count], "mean")
    else:
        pooled = node("Gather", [x, constant("first", 0)], "cls", {"axis": 1})
    if use.normalised:
        pooled = node("LpNormalization", [pooled], "unit", {"axis": -1, "p": 2})
    made.append(helper.make_node("Identity", [pooled], [EMBEDDING], "pool/out"))
    graph.node.extend(made)
    del graph.output[:]
    graph.output.append(
        helper.make_tensor_value_info(EMBEDDING, TensorProto.FLOAT, ["batch", width])
    )


def prune(model: onnx.ModelProto) -> None:
    """Leave out what no output needs."""
    graph = model.graph
    needed = {output.name for output in graph.output}
    kept: list[onnx.NodeProto] = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input)
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    needed |= {name for one in attribute.g.node for name in one.input}
    nodes = list(reversed(kept))
    tensors = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(tensors)


def save(model: onnx.ModelProto, folder: Path, graph: str, weights: str) -> None:
    """Write the graph, and its weights into a file beside it; the model stays as it is."""
    (folder / weights).unlink(missing_ok=True)  # onnx would write behind what is there
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    onnx.save_model(
        copy,
        folder / graph,
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=weights,
        size_threshold=OUTSIDE_FROM,
    )


def to_int8(model: onnx.ModelProto, folder: Path) -> onnx.ModelProto:
    """Matrices in 8 bits, a scale for each column; activations are measured as they come.

    ONNX Runtime's own dynamic quantisation (onnxruntime.quantization.quantize_dynamic).
    """
    source, target = folder / "float.tmp.onnx", folder / "int8.tmp.onnx"
    try:
        save(model, folder, source.name, f"{source.name}.data")
        dynamic_int8(source, target, QUANTISED)
        return onnx.load(target)
    finally:
        for path in folder.glob("*.tmp.onnx*"):
            path.unlink()


def records(model: onnx.ModelProto, prefix: str = "") -> tuple[MatrixRecord, ...]:
    """How each matrix of a graph is stored, its name behind a prefix."""
    found = []
    for tensor in model.graph.initializer:
        bits = BITS.get(tensor.data_type)
        size = int(np.prod(tensor.dims)) * (bits or 0) // 8
        if bits is None or len(tensor.dims) < 2 or size < OUTSIDE_FROM:
            continue
        exact = bits == 32
        method = "none" if exact else "nearest"
        name = prefix + tensor.name.removesuffix("_quantized")
        found.append(MatrixRecord(name, "F32", bits, 0, size, exact, method))
    return tuple(found)


def operators(model: onnx.ModelProto) -> tuple[str, ...]:
    """Every operator of a graph, those outside the default domain as `domain::Name`."""
    kinds = {(node.domain, node.op_type) for node in model.graph.node}
    return tuple(sorted(f"{d}::{kind}" if d not in ("", "ai.onnx") else kind for d, kind in kinds))
