"""An ONNX graph, checked when it is read and computed node by node in numpy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ondol.archive import Place
from ondol.errors import CorruptBundle, DeviceUnavailable
from ondol.language import say
from ondol.stateless import Port
from ondol_runtimes._attention import ATTENTION
from ondol_runtimes._encoding import ENCODING
from ondol_runtimes._layers import LAYERS
from ondol_runtimes._operators import OPERATORS, Array, Attributes, Inputs, Operator

KNOWN: Mapping[str, Operator] = {**OPERATORS, **LAYERS, **ATTENTION, **ENCODING}

BFLOAT16 = 16  # by ONNX's number; numpy has no such type

TYPES: Mapping[int, np.dtype[Any]] = {
    1: np.dtype("<f4"),
    2: np.dtype("u1"),
    3: np.dtype("i1"),
    6: np.dtype("<i4"),
    7: np.dtype("<i8"),
    10: np.dtype("<f2"),
    BFLOAT16: np.dtype("<u2"),
}
"""Tensors' element types by ONNX's numbers."""

VALUES = {1: "f", 2: "i", 3: "s"}
"""Kinds of attributes by ONNX's numbers: numbers and words, and the field of each."""


@dataclass(frozen=True, slots=True)
class _Node:
    name: str
    kind: str
    operator: Operator
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Attributes
    done_with: tuple[str, ...]


class Program:
    """A graph ready to run; its external weights are mapped, not read.

    Args:
        model: an ONNX model file's bytes.
        find: where a file of external weights lies, by the name that the graph uses; it raises
            for a name it does not like.
        dtype: in what floats are computed.
        operators: what computes each operator, by its name.

    Raises:
        CorruptBundle: if it is no ONNX model, or one that contradicts itself.
        DeviceUnavailable: if it needs an operator that is not known here, naming it.
    """

    def __init__(
        self,
        model: bytes,
        find: Callable[[str], Place],
        dtype: type[np.floating[Any]] = np.float64,
        operators: Mapping[str, Operator] = KNOWN,
    ) -> None:
        import onnx

        self._dtype = np.dtype(dtype)
        try:
            graph = onnx.load_model_from_string(model).graph
        except Exception as exc:  # protobuf's error class depends on its version
            raise _corrupt(f"{type(exc).__name__}: {exc}") from exc
        self._fixed = {t.name: self._tensor(t, find) for t in graph.initializer}
        self.inputs = tuple(value.name for value in graph.input)
        self.outputs = tuple(value.name for value in graph.output)
        self._infos = {value.name: value for value in [*graph.input, *graph.output]}
        self._nodes = self._read(graph, operators)

    def run(
        self, feeds: Mapping[str, Array], wanted: Sequence[str] | None = None
    ) -> dict[str, Array]:
        """Outputs by name, all or those wanted; an input that is an initializer has that value.

        Raises:
            CorruptBundle: if a node cannot be computed, or an input or output is not there.
        """
        values = {**self._fixed, **feeds}
        missing = [name for name in self.inputs if name not in values]
        if missing:
            raise _corrupt(f"the input {missing[0]} is one that nobody gives")
        for node in self._nodes:
            given = Inputs([values[name] if name else None for name in node.inputs])
            try:
                with np.errstate(all="ignore"):  # out of range is infinite, as on any device
                    results = node.operator.run(given, node.attributes)
            except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as exc:
                raise _corrupt(f"{node.name} ({node.kind}): {exc}") from exc
            for name, value in zip(node.outputs, results, strict=False):
                values[name] = self._as_wide(value)
            for name in node.done_with:
                values.pop(name, None)
        names = self.outputs if wanted is None else wanted
        lost = [name for name in names if name not in values]
        if lost:
            raise _corrupt(f"the output {lost[0]} is made by no node")
        return {name: values[name] for name in names}

    def port(self, name: str) -> Port:
        """What the graph says of an input or output.

        Raises:
            CorruptBundle: if it is of a type that numpy lacks.
        """
        tensor = self._infos[name].type.tensor_type
        dtype = TYPES.get(tensor.elem_type)
        if dtype is None:
            raise _corrupt(f"{name}: type {tensor.elem_type}")
        dims = tensor.shape.dim
        sizes = (each.dim_value if each.HasField("dim_value") else None for each in dims)
        return Port(name, dtype.name, tuple(sizes))

    def _tensor(self, proto: Any, find: Callable[[str], Place]) -> Array:
        dtype, shape = TYPES.get(proto.data_type), tuple(proto.dims)
        if dtype is None or any(size < 0 for size in shape):
            raise _corrupt(f"{proto.name}: type {proto.data_type}, shape {shape}")
        size = dtype.itemsize
        for dimension in shape:
            size *= dimension  # whole numbers without a limit, unlike numpy's
        if proto.data_location == 1:
            return self._mapped(proto, find, dtype, shape, size)
        import onnx

        try:
            value = np.asarray(onnx.numpy_helper.to_array(proto))
        except (TypeError, ValueError) as exc:
            raise _corrupt(f"{proto.name}: {exc}") from exc
        return self._as_wide(value)

    def _as_wide(self, value: Array) -> Array:
        """Floats in the width that is computed in; all else as it is."""
        wide = self._dtype if value.dtype.kind == "f" else value.dtype
        return np.asarray(value, wide)

    def _mapped(
        self,
        proto: Any,
        find: Callable[[str], Place],
        dtype: "np.dtype[Any]",
        shape: tuple[int, ...],
        size: int,
    ) -> Array:
        entries = {entry.key: entry.value for entry in proto.external_data}
        place = find(entries.get("location", ""))
        try:
            offset = int(entries.get("offset", "0"))
            length = int(entries.get("length", str(size)))
        except ValueError as exc:
            raise _corrupt(f"{proto.name}: {exc}") from exc
        there = place.size
        if length != size or size == 0 or not 0 <= offset <= there - size:
            raise _corrupt(f"{proto.name}: bytes {offset} + {length} of {there}, {size} expected")
        numbers = np.memmap(place.path, dtype, "r", place.offset + offset, shape)
        return _wide_bfloat16(numbers) if proto.data_type == BFLOAT16 else numbers

    def _read(self, graph: Any, operators: Mapping[str, Operator]) -> list[_Node]:
        there = {*self._fixed, *self.inputs}
        last: dict[str, int] = {}
        for at, proto in enumerate(graph.node):
            lost = [name for name in proto.input if name and name not in there]
            if lost:
                raise _corrupt(f"{proto.name}: {lost[0]} is made by no node before it")
            there.update(proto.output)
            last.update((name, at) for name in proto.input)
        gone = [name for name in self.outputs if name not in there]
        if gone:
            raise _corrupt(f"the output {gone[0]} is made by no node")
        kept = {*self._fixed, *self.inputs, *self.outputs}
        return [
            _node(proto, operators, [n for n in {*proto.input} if n not in kept and last[n] == at])
            for at, proto in enumerate(graph.node)
        ]


def _node(proto: Any, operators: Mapping[str, Operator], done_with: Sequence[str]) -> _Node:
    kind = f"{proto.domain}::{proto.op_type}" if proto.domain else proto.op_type
    operator = operators.get(kind)
    if operator is None:
        raise _unknown(say(f"the operator {kind}", f"연산자 {kind}"), proto.name)
    attributes: dict[str, int | float | str] = {}
    for attribute in proto.attribute:
        if attribute.name not in operator.attributes or attribute.type not in VALUES:
            word = f"{kind}.{attribute.name}"
            raise _unknown(say(f"the attribute {word}", f"속성 {word}"), proto.name)
        value = getattr(attribute, VALUES[attribute.type])
        attributes[attribute.name] = (
            value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        )
    return _Node(
        proto.name,
        kind,
        operator,
        tuple(proto.input),
        tuple(proto.output),
        Attributes(attributes),
        tuple(done_with),
    )


def _wide_bfloat16(bits: Array) -> Array:
    """The upper halves of float32 numbers, made whole."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _unknown(what: str, where: str) -> DeviceUnavailable:
    return DeviceUnavailable(
        say(f"The reference device does not know {what}.", f"reference 장치가 모릅니다: {what}"),
        say(f"The node {where} of the graph asks for it.", f"그래프의 {where} 노드에 있습니다."),
        say("Choose another device: --device cpu", "다른 장치를 고르세요: --device cpu"),
    )


def _corrupt(why: str) -> CorruptBundle:
    return CorruptBundle(
        say("The graph cannot be computed.", "그래프를 계산할 수 없습니다."),
        why[:400],
        say("Verify the bundle: ondol verify", "번들 검사: ondol verify"),
    )
