"""An exported graph for texts of one length: every shape known, nothing counted while it runs."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from ondol.static_cache import HIDDEN
from ondol_converters.encoders.hushing import hushed
from ondol_converters.encoders.surgery import prune, save
from ondol_converters.graph.static import no_static
from ondol_converters.onnxruntime_door import onnxruntime

POSITIONS = "position_embeddings.weight"
KINDS = "token_type_ids"


def fixed(model: onnx.ModelProto, model_type: str, n: int, skipped: int, out: Path) -> None:
    """Write a graph of free sizes [batch, tokens] as one of [1, n] with int32 inputs.

    ONNX Runtime folds what no longer depends on an input (its basic optimisations).

    Args:
        model: as optimum exports it.
        model_type: of its config, for messages.
        n: tokens of a text; shorter ones are padded behind.
        skipped: positions before the first token's.
        out: the file; its weights lie beside it.

    Raises:
        OptionError: if the positions are not those of a table.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    _apart(graph)
    _placed(graph, model_type, np.arange(skipped, skipped + n, dtype=np.int64)[None])
    for value in list(graph.input):
        if value.name == KINDS:  # one text alone is the first
            graph.input.remove(value)
            zeros = np.zeros((1, n), np.int64)
            graph.initializer.append(numpy_helper.from_array(zeros, KINDS))
            continue
        value.type.tensor_type.elem_type = TensorProto.INT32
        for dim, size in zip(value.type.tensor_type.shape.dim, (1, n), strict=True):
            dim.dim_value = size
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")
    prune(made)
    _folded(made, out)


def _apart(graph: onnx.GraphProto) -> None:
    """Give equal tensors, of which the exporter keeps one, each its own: they get other steps."""
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    for node in list(graph.node):
        if node.op_type == "Identity" and node.input[0] in tensors:
            copy = graph.initializer.add()
            copy.CopyFrom(tensors[node.input[0]])
            copy.name = node.output[0]
            graph.node.remove(node)


def _placed(graph: onnx.GraphProto, model_type: str, positions: NDArray[np.int64]) -> None:
    """Number the positions from the first: what stands at padding is seen by nobody."""
    found = [
        node
        for node in graph.node
        if node.op_type == "Gather" and node.input[0].endswith(POSITIONS)
    ]
    if len(found) != 1:
        raise no_static(model_type, "positions that are not rows of a table")
    graph.initializer.append(numpy_helper.from_array(positions, "positions"))
    found[0].input[1] = "positions"


def _folded(model: onnx.ModelProto, out: Path) -> None:
    ort = onnxruntime()
    whole = out.with_suffix(".whole.onnx")
    save(model, out.parent, whole.name, f"{whole.name}.data")
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(whole.with_suffix(".folded"))
    options.log_severity_level = 4
    options.add_session_config_entry(
        "session.optimized_model_external_initializers_file_name", f"{whole.name}.folded.data"
    )
    with hushed():
        ort.InferenceSession(str(whole), options, providers=["CPUExecutionProvider"])
    made = onnx.load(whole.with_suffix(".folded"))
    for tensor in made.graph.initializer:
        _renamed(made.graph, tensor)
        _within_half(tensor)
    used = {node.domain for node in made.graph.node}
    kept = [each for each in made.opset_import if each.domain in used | {""}]
    del made.opset_import[:]
    made.opset_import.extend(kept)
    save(made, out.parent, out.name, f"{out.name}.data")
    for path in out.parent.glob(f"{whole.stem}*"):
        path.unlink()


def _renamed(graph: onnx.GraphProto, tensor: onnx.TensorProto) -> None:
    """ONNX Runtime adds tensors of fixed names; where they are there already it fails."""
    name = f"fixed/{tensor.name}"
    for node in graph.node:
        for at, each in enumerate(node.input):
            if each == tensor.name:
                node.input[at] = name
    tensor.name = name


def _within_half(tensor: onnx.TensorProto) -> None:
    """What hides padding, the least float32, is infinite in float16: nothing times it is NaN."""
    if tensor.data_type != TensorProto.FLOAT:
        return
    values = numpy_helper.to_array(tensor)
    if values.size and values.min() < np.finfo(np.float16).min:
        tensor.CopyFrom(
            numpy_helper.from_array(np.maximum(values, np.float32(HIDDEN)), tensor.name)
        )
