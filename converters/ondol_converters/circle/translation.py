"""An ONNX graph of fixed shapes, node by node, as a circle file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import circle_schema.v0_10.circle as schema
import numpy as np
import onnx
from onnx import helper

from ondol.errors import OptionError
from ondol.language import say
from ondol_converters.circle.file import NOTHING, CircleFile, Value
from ondol_converters.circle.weights import TYPES, Blocks, Initializer

MICROSOFT = "com.microsoft"


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the ONNX graph; `op` outside the default domain is `domain::Name`."""

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


class Translation:
    """What is known while a graph is translated: values, constants, and the file they go to."""

    def __init__(self, model: onnx.ModelProto, folder: Path) -> None:
        self.file = CircleFile(model.graph.name)
        self.inexact: list[str] = []
        self._constants = {
            tensor.name: Initializer(tensor, folder) for tensor in model.graph.initializer
        }
        self._values: dict[str, Value] = {}
        self._stored: dict[str, Value] = {}
        for value in model.graph.input:
            tensor = value.type.tensor_type
            shape = [dim.dim_value for dim in tensor.shape.dim]
            kind = TYPES[tensor.elem_type]
            self._values[value.name] = self.file.input(value.name, kind, shape)

    def is_constant(self, name: str) -> bool:
        """Whether a value is an initializer."""
        return name in self._constants

    def initializer(self, name: str) -> Initializer:
        """A constant by name."""
        return self._constants[name]

    def numbers(self, name: str) -> list[int]:
        """A constant that says sizes, axes or numbers, flat."""
        return [int(each) for each in self._constants[name].values().reshape(-1)]

    def alias(self, name: str, constant: str) -> None:
        """Let a value be a constant under another name."""
        self._constants[name] = self._constants[constant]

    def value(self, name: str) -> Value:
        """A value by name; a constant becomes a float32 tensor of the file, once."""
        if not name:
            return NOTHING
        if name not in self._values:
            self._values[name] = self._dense(name)
        return self._values[name]

    def set(self, name: str, value: Value) -> None:
        """Say which tensor a value is."""
        self._values[name] = value

    def whole_numbers(self, name: str, numbers: Sequence[int]) -> Value:
        """A constant of int32, such as a shape: the same one for the same numbers."""
        key = f"{name}.{'x'.join(map(str, numbers))}"
        if key not in self._stored:
            self._stored[key] = self.file.constant(key, np.array(numbers, np.int32))
        return self._stored[key]

    def number(self, value: float) -> Value:
        """A constant of one float32, once."""
        key = f"number.{value!r}"
        if key not in self._stored:
            self._stored[key] = self.file.constant(key, np.array([value], np.float32))
        return self._stored[key]

    def blocks(self, name: str, matrix: Blocks) -> Value:
        """A matrix in GGML's blocks: one tensor for the same bytes."""
        key = f"{matrix.quants.place}.{matrix.kind}"
        if not matrix.quants.place or key not in self._stored:
            if not matrix.exact:
                self.inexact.append(name)
            shape = (matrix.rows, matrix.columns)
            self._stored[key] = self.file.weight(
                name, matrix.kind, shape, matrix.length, matrix.stored
            )
        return self._stored[key]

    def emit(
        self,
        code: str,
        inputs: Sequence[Value],
        name: str,
        shape: Sequence[int],
        options: Any = None,
        kind: str = "float32",
    ) -> Value:
        """Add an operator of one output."""
        return self.file.operator(code, inputs, [(name, kind, shape)], options)[0]

    def _dense(self, name: str) -> Value:
        constant = self._constants[name]
        if constant.dtype == "int32":
            return self.file.constant(name, constant.values())
        key = constant.place and f"{constant.place}.float32"
        if key and key in self._stored:
            return self._stored[key]
        shape = constant.shape or (1,)
        length = 4 * int(np.prod(shape))
        made = self.file.weight(name, "float32", shape, length, constant.floats)
        if key:
            self._stored[key] = made
        return made


def options(name: str, **fields: object) -> Any:
    """An options table of the schema by its name, with fields set."""
    made = getattr(getattr(schema, name), f"{name}T")()
    for field, value in fields.items():
        if not hasattr(made, field):
            raise AttributeError(f"{name} has no {field}")
        setattr(made, field, value)
    return made


def translate(model: onnx.ModelProto, folder: Path) -> Translation:
    """A circle of an ONNX model whose shapes are known; `file.write()` then writes it.

    Args:
        model: its external weights are in `folder`.
        folder: where they are.

    Raises:
        OptionError: naming the first node that there is no rule for.
    """
    from ondol_converters.circle.rules import RULES

    made = Translation(model, folder)
    for proto in model.graph.node:
        node = _node(proto)
        rule = RULES.get(node.op)
        if rule is None:
            raise untranslatable(node, node.op)
        rule(made, node)
    read = {name for node in model.graph.node for name in node.input}
    for value in model.graph.output:
        found = made.value(value.name)
        # onert uses the memory of what is read inside again, even where it is an output too
        own = _copied(made, found) if value.name in read else found
        made.file.output(value.name, own)
    return made


def _copied(t: Translation, value: Value) -> Value:
    """The same by itself: times 1, for a RESHAPE may share its memory."""
    name = f"copy.{value.index}"
    return t.emit("MUL", [value, t.number(1.0)], name, value.shape, options("MulOptions"))


def untranslatable(node: Node, why: str) -> OptionError:
    """The error for a node that circle, or onert's kernels, cannot do."""
    return OptionError(
        say(
            f"The node {node.name} cannot be written as circle.",
            f"노드 {node.name}을(를) circle로 옮길 수 없습니다.",
        ),
        why,
        "--target cpu",
    )


def _node(proto: onnx.NodeProto) -> Node:
    domain = proto.domain
    return Node(
        f"{domain}::{proto.op_type}" if domain else proto.op_type,
        proto.name,
        tuple(proto.input),
        tuple(proto.output),
        {each.name: helper.get_attribute_value(each) for each in proto.attribute},
    )
