"""A sheet to draw an ONNX graph on: nodes by name, weights by reference."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from ondol_converters.graph.weights import Matrix, Stored

MICROSOFT = "com.microsoft"
OPSET = 21
IR_VERSION = 10  # the newest that onnxruntime 1.22 reads
ACCURACY_LEVEL = 4  # activations in 8 bits: the only level with fast integer kernels

_DTYPES = {
    "bfloat16": TensorProto.BFLOAT16,
    "float16": TensorProto.FLOAT16,
    "float32": TensorProto.FLOAT,
    "int8": TensorProto.INT8,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
}

Attribute = int | float | str | list[int]


class Drawing:
    """Collects nodes and initializers; `model()` gives the finished ONNX model."""

    def __init__(self, weights_file: str) -> None:
        self._weights_file = weights_file
        self._nodes: list[onnx.NodeProto] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> str:
        """Declare a graph input once; strings in `shape` are named free dimensions."""
        if all(known.name != name for known in self._inputs):
            info = helper.make_tensor_value_info(name, _DTYPES[dtype], list(shape))
            self._inputs.append(info)
        return name

    def output(self, name: str, dtype: str, shape: Sequence[int | str]) -> None:
        """Declare a graph output."""
        self._outputs.append(helper.make_tensor_value_info(name, _DTYPES[dtype], list(shape)))

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        name: str,
        attributes: Mapping[str, Attribute] | None = None,
        outputs: Sequence[str] = (),
    ) -> str:
        """Add a node; `op` outside the default domain is `domain::Op`. Its first output's name."""
        domain, _, kind = op.rpartition("::")
        made = helper.make_node(
            kind, list(inputs), list(outputs) or [f"{name}/out"], name, domain=domain
        )
        made.attribute.extend(helper.make_attribute(k, v) for k, v in (attributes or {}).items())
        self._nodes.append(made)
        return str(made.output[0])

    def rename(self, value: str, name: str) -> None:
        """Give a node's output another name, wherever it stands."""
        for node in self._nodes:
            for names in (node.input, node.output):
                for at, old in enumerate(names):
                    if old == value:
                        names[at] = name

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        """A small tensor kept in the model file itself."""
        self._initializers.setdefault(
            name, numpy_helper.from_array(np.ascontiguousarray(value), name)
        )
        return name

    def stored(self, tensor: Stored) -> str:
        """A tensor of the weights file."""
        if tensor.name not in self._initializers:
            proto = TensorProto(
                name=tensor.name,
                data_type=_DTYPES[tensor.dtype],
                dims=tensor.shape,
                data_location=TensorProto.EXTERNAL,
            )
            entries = {
                "location": self._weights_file,
                "offset": str(tensor.offset),
                "length": str(tensor.length),
            }
            for key, value in entries.items():
                proto.external_data.add(key=key, value=value)
            self._initializers[tensor.name] = proto
        return tensor.name

    def matmul(self, x: str, matrix: Matrix, name: str, output: str = "") -> str:
        """x [.., columns] times the matrix transposed, plus its bias: [.., rows]."""
        outputs = [output or f"{name}/product"]
        bias = [] if matrix.bias is None else [self.constant(f"{name}/bias", matrix.bias)]
        if matrix.scales is None:
            attributes: dict[str, Attribute] = {"transB": 1}
            inputs = [x, self._widened(matrix.quants)]
            op = f"{MICROSOFT}::FusedMatMul"
            if not bias:
                return self.node(op, inputs, f"{name}/MatMul", attributes, outputs)
            product = self.node(op, inputs, f"{name}/MatMul", attributes)
            return self.node("Add", [product, *bias], f"{name}/Add", None, outputs)
        attributes = {
            "K": matrix.columns,
            "N": matrix.rows,
            "bits": matrix.bits,
            "block_size": matrix.block,
            "accuracy_level": ACCURACY_LEVEL,
        }
        inputs = [x, self.stored(matrix.quants), self._widened(matrix.scales)]
        if bias:
            inputs += ["", "", *bias]
        return self.node(f"{MICROSOFT}::MatMulNBits", inputs, f"{name}/MatMul", attributes, outputs)

    def rows(self, ids: str, matrix: Matrix, name: str) -> str:
        """The rows of a matrix that `ids` names, as float32 [.., columns]: an embedding."""
        if matrix.scales is None:
            inputs = [self.stored(matrix.quants), ids]
            found = self.node("Gather", inputs, f"{name}/Gather", {"axis": 0})
            if matrix.quants.dtype == "float32":
                return found
            return self.node("Cast", [found], f"{name}/float32", {"to": TensorProto.FLOAT})
        width = matrix.quants.length // matrix.rows
        table = matrix.quants.seen_as(f"{matrix.quants.name}.rows", (matrix.rows, width))
        attributes: dict[str, Attribute] = {
            "bits": matrix.bits,
            "block_size": matrix.block,
            "gather_axis": 0,
            "quantize_axis": 1,
        }
        # Widened first: with float16 scales the rows themselves would be rounded to float16
        inputs = [self.stored(table), ids, self._widened(matrix.scales)]
        return self.node(f"{MICROSOFT}::GatherBlockQuantized", inputs, f"{name}/Gather", attributes)

    def _widened(self, tensor: Stored) -> str:
        """A tensor as kernels take it, float32; a runtime does the cast once, when it loads."""
        name = self.stored(tensor)
        if tensor.dtype == "float32":
            return name
        wide = f"{name}/float32/out"
        if all(wide not in node.output for node in self._nodes):
            self.node("Cast", [name], f"{name}/float32", {"to": TensorProto.FLOAT})
        return wide

    def operators(self) -> tuple[str, ...]:
        """Every operator drawn, sorted, those outside the default domain as `domain::Op`."""
        return tuple(
            sorted({f"{n.domain}::{n.op_type}" if n.domain else n.op_type for n in self._nodes})
        )

    def model(self, name: str, producer_version: str) -> onnx.ModelProto:
        """The finished model, without its weights file."""
        graph = helper.make_graph(
            self._nodes, name, self._inputs, self._outputs, list(self._initializers.values())
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)],
            ir_version=IR_VERSION,
            producer_name="ondol",
            producer_version=producer_version,
        )
