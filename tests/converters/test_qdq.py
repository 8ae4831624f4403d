"""ONNX Runtime's quantiser on a stateless graph, as an encoder's is: static pairs and dynamic."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ondol.errors import OptionError
from ondol_converters.quantise.qdq import dynamic_int8, static_qdq

RANDOM = np.random.default_rng(3)
WIDTH, HIDDEN, OUT = 32, 64, 8
READINGS = [{"x": RANDOM.standard_normal((4, WIDTH)).astype(np.float32)} for _ in range(16)]
UNSEEN = RANDOM.standard_normal((4, WIDTH)).astype(np.float32)


@pytest.fixture
def mlp(tmp_path: Path) -> Path:
    """relu(x · a) · b, the columns of b of very different sizes: each needs its own scale."""
    sizes = np.logspace(-2, 0, OUT, dtype=np.float32)
    weights = {
        "a": RANDOM.standard_normal((WIDTH, HIDDEN)).astype(np.float32),
        "b": RANDOM.standard_normal((HIDDEN, OUT)).astype(np.float32) * sizes,
    }
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["h"], "first"),
        helper.make_node("Relu", ["h"], ["r"], "relu"),
        helper.make_node("MatMul", ["r", "b"], ["y"], "second"),
    ]
    graph = helper.make_graph(
        nodes,
        "mlp",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", OUT])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    path = tmp_path / "mlp.onnx"
    opset = [helper.make_opsetid("", 21)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), str(path))
    return path


def outputs(path: Path) -> NDArray[np.float32]:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": UNSEEN})
    return np.asarray(found, np.float32)


def error(path: Path, mlp: Path) -> float:
    """The largest difference, as a share of the largest value."""
    wanted = outputs(mlp)
    return float(np.abs(outputs(path) - wanted).max() / np.abs(wanted).max())


def worst_column(path: Path, mlp: Path) -> float:
    """The same within each column, the worst of them."""
    wanted = outputs(mlp)
    each = np.abs(outputs(path) - wanted).max(axis=0) / np.abs(wanted).max(axis=0)
    return float(each.max())


def test_more_bits_are_nearer(mlp: Path, tmp_path: Path) -> None:
    errors = {}
    for activations in ("a16w8", "a8w8"):
        out = tmp_path / f"{activations}.onnx"
        static_qdq(mlp, out, READINGS, activations, ["MatMul"])
        errors[activations] = error(out, mlp)
        model = onnx.load(str(out))
        kinds = {tensor.data_type for tensor in model.graph.initializer}
        assert TensorProto.INT8 in kinds and {node.domain for node in model.graph.node} <= {""}
    assert 0 < errors["a16w8"] < errors["a8w8"] < 0.1
    # 0.025 seen; with one scale for all columns of weights the smallest would be lost
    assert worst_column(tmp_path / "a16w8.onnx", mlp) < 0.04


def test_only_the_named_operators_are_quantised(mlp: Path, tmp_path: Path) -> None:
    static_qdq(mlp, tmp_path / "q.onnx", READINGS, "a8w8", ["Gemm"])
    assert outputs(tmp_path / "q.onnx") == pytest.approx(outputs(mlp))


def test_a_node_is_kept_in_float_by_name(mlp: Path, tmp_path: Path) -> None:
    static_qdq(mlp, tmp_path / "q.onnx", READINGS, "a8w8", ["MatMul"], ["second"])
    model = onnx.load(str(tmp_path / "q.onnx"))
    made = {output: node.op_type for node in model.graph.node for output in node.output}
    inputs = {
        node.name: [made.get(name) for name in node.input]
        for node in model.graph.node
        if node.op_type == "MatMul"
    }
    assert inputs["first"] == ["DequantizeLinear", "DequantizeLinear"]
    assert inputs["second"][1] is None


def test_dynamic_needs_no_readings(mlp: Path, tmp_path: Path) -> None:
    dynamic_int8(mlp, tmp_path / "d.onnx", ["MatMul"])
    operators = [node.op_type for node in onnx.load(str(tmp_path / "d.onnx")).graph.node]
    assert operators.count("MatMulInteger") == 2 and "MatMul" not in operators
    assert 0 < error(tmp_path / "d.onnx", mlp) < 0.1


def test_a_scheme_nobody_knows_and_no_readings_are_said(mlp: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="a4w4"):
        static_qdq(mlp, tmp_path / "q.onnx", READINGS, "a4w4", ["MatMul"])
    with pytest.raises(OptionError):
        static_qdq(mlp, tmp_path / "q.onnx", [], "a8w8", ["MatMul"])
    assert not (tmp_path / "q.onnx").exists()
