"""Graphs turned into float16: what they compute, and what they refuse."""

from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from ondol.errors import UnsupportedTensor
from ondol_converters.graph.halves import in_halves

X = np.random.default_rng(3).standard_normal((2, 8)).astype(np.float32)
MASK = np.array([[1, 0]], np.int32)


def graph(weights: NDArray[np.float32]) -> onnx.ModelProto:
    """x times weights, of which every second row is masked out; the middle is an output too."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["y"], "product"),
        helper.make_node("Cast", ["mask"], ["real"], "real", to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["real", "y"], ["z"], "sum"),
    ]
    made = helper.make_graph(
        nodes,
        "half",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, X.shape),
            helper.make_tensor_value_info("mask", TensorProto.INT32, MASK.shape),
        ],
        [
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, weights.shape[1]]),
            helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, weights.shape[1]]),
        ],
        [numpy_helper.from_array(weights, "w")],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)


def test_what_goes_in_and_comes_out_stays_float32() -> None:
    weights = np.random.default_rng(4).standard_normal((8, 3)).astype(np.float32)
    model = graph(weights)
    in_halves(model)
    onnx.checker.check_model(model)
    # Not ONNX Runtime: its CPU has no such products, and leaves the rounding out
    made: Any = ReferenceEvaluator(model).run(None, {"x": X, "mask": MASK})
    y, z = made
    assert y.dtype == z.dtype == np.float32
    assert np.array_equal(z[0], y[0])  # the middle is seen by both
    wanted = X @ weights
    # 11 bits of a number: 2^-11 of each factor, and of the sum
    assert 0 < np.abs(y - wanted).max() < 4 * 2**-11 * np.abs(wanted).max()
    assert np.array_equal(y, y.astype(np.float16))


def test_what_float16_cannot_hold_is_refused() -> None:
    with pytest.raises(UnsupportedTensor, match="w") as caught:
        in_halves(graph(np.full((8, 3), 7e4, np.float32)))
    assert caught.value.fix == "--activations a16w8"
