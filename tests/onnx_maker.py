"""ONNX graphs of one node on random numbers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ondol.archive import Place

Array = NDArray[Any]
Attributes = Mapping[str, int | float]

TYPES = {
    "float32": TensorProto.FLOAT,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
}

RANDOM = np.random.default_rng(11)


def nowhere(name: str) -> Place:
    """Where a graph without external weights finds them."""
    raise AssertionError(f"there is no file {name}")


def floats(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32)


def whole(*values: int) -> Array:
    return np.array(values, np.int64)


def model(kind: str, inputs: list[Array | None], attributes: Attributes, outputs: int) -> bytes:
    """A graph of one node."""
    domain, _, op = kind.rpartition("::")
    names = ["" if value is None else f"in{i}" for i, value in enumerate(inputs)]
    made = [f"out{i}" for i in range(outputs)]
    node = helper.make_node(op, names, made, "tested", domain=domain)
    node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
    given = [
        helper.make_tensor_value_info(name, TYPES[value.dtype.name], value.shape)
        for name, value in zip(names, inputs, strict=True)
        if value is not None
    ]
    out = [onnx.ValueInfoProto(name=name) for name in made]
    graph = helper.make_graph([node], "one", given, out)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    whole_model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return bytes(whole_model.SerializeToString())
