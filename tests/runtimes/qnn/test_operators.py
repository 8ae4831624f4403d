"""What HTP computes wrongly or in too few bits, as targets/qnn.toml says, seen in the emulator."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

pytest.importorskip("onnxruntime_qnn", reason="no wheel of onnxruntime-qnn for this machine")

from ondol_runtimes._onnxruntime import ort
from ondol_runtimes.qnn.plugin import hushed, options
from ondol_runtimes.qnn.soc import SOCS

HALF = 0.01  # of float16, where results are below 10


def computed(nodes: Sequence[NodeProto], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """`y` of a graph of `x`, `ones` as long as its last axis, `axis` -1 and `epsilon` 1e-6."""
    constants = {
        "ones": np.ones(x.shape[-1], np.float32),
        "axis": np.array([-1]),
        "epsilon": np.array(1e-6, np.float32),
    }
    graph = helper.make_graph(
        list(nodes),
        "operator",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, x.shape)],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    with hushed():
        session = ort.InferenceSession(model.SerializeToString(), options(SOCS["SM8750"]))
    found: Any = session.run(None, {"x": x})
    made: NDArray[np.float32] = found[0]
    return made


def norm(x: NDArray[np.float32]) -> NDArray[np.float32]:
    root = np.sqrt(np.mean(np.square(x.astype(np.float64)), axis=-1, keepdims=True) + 1e-6)
    unit: NDArray[np.float32] = (x / root).astype(np.float32)
    return unit


RMS = [helper.make_node("RMSNormalization", ["x", "ones"], ["y"], epsilon=1e-6)]
PRODUCTS = [
    helper.make_node("Mul", ["x", "x"], ["square"]),
    helper.make_node("ReduceMean", ["square", "axis"], ["mean"]),
    helper.make_node("Add", ["mean", "epsilon"], ["least"]),
    helper.make_node("Sqrt", ["least"], ["root"]),
    helper.make_node("Div", ["x", "root"], ["y"]),
]


def error(nodes: Sequence[NodeProto], x: NDArray[np.float32]) -> float:
    return float(np.abs(computed(nodes, x) - norm(x)).max())


@pytest.mark.parametrize("shape", [(64, 32), (65, 16), (64, 256), (64, 1, 64)])
def test_rms_norm_is_right_as_graphs_are_drawn(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(3).standard_normal(shape).astype(np.float32)
    assert error(RMS, x) <= HALF


def test_rms_norm_of_short_rows_on_three_axes_is_wrong() -> None:
    """When this fails, the plugin was mended: the reshape in graph/static.py can go."""
    x = np.random.default_rng(3).standard_normal((64, 2, 32)).astype(np.float32)
    assert error(RMS, x) > 1


def test_a_norm_drawn_as_products_overflows() -> None:
    x = np.random.default_rng(3).standard_normal((2, 64)).astype(np.float32)
    assert error(PRODUCTS, x) <= HALF
    assert error(PRODUCTS, 2000 * x) > 1
    assert error(RMS, 2000 * x) <= HALF
