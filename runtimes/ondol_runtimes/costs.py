"""What each node of a bundle's graph costs: operations and bytes, from shapes alone.

A multiplication with its addition counts as two operations, any other operator as one for each
element that it makes, and moving or naming data as none. Bytes are what a node reads and writes
once: weights as they are stored, of a looked-up table the rows only, of a cache the positions
that are seen. Activations are counted in float32.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceUnavailable
from ondol.language import say
from ondol.manifest import Variant
from ondol.model_facts import EncoderFacts, ModelFacts
from ondol.placement_report import NodeCost, Pass
from ondol_runtimes._operators import Array, Attributes, Inputs
from ondol_runtimes._program import KNOWN, VALUES
from ondol_runtimes._shapes import ABSENT, MICROSOFT, RULES, Shape, Value

FEW = 1 << 16
"""Numbers that are followed through a graph, such as sizes and positions, are at most so many."""

ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 16: 2, 21: 0.5, 22: 0.5}
"""Bytes of an element by ONNX's number of its type."""

INTEGERS = 7
"""ONNX's number of attributes that are lists of whole numbers."""

LAST = "logits_from"
"""The input by which sessions ask for logits of the last position only."""

VIEWS = ("Identity", "Reshape", "Shape", "Squeeze", "Unsqueeze")
MOVES = (
    "Cast",
    "Concat",
    "Gather",
    "Range",
    "Slice",
    "Split",
    "Transpose",
    f"{MICROSOFT}::GatherBlockQuantized",
)
PRODUCTS = ("Gemm", "MatMul", f"{MICROSOFT}::FusedMatMul", f"{MICROSOFT}::MatMulNBits")
LOOKUPS = ("Gather", f"{MICROSOFT}::GatherBlockQuantized")


def nodes(bundle: Bundle, target: str, run: Pass) -> tuple[NodeCost, ...]:
    """The nodes of a target's graph and their costs in one run; no weights are read.

    Raises:
        CorruptBundle: if there is no such graph, or its sizes contradict each other.
        DeviceUnavailable: if it is no ONNX graph, or of a model whose inputs are not known.
    """
    import onnx

    variant = _variant(bundle, target)
    bundle.verify([variant.graph])
    try:
        graph = onnx.load_model_from_string(bundle.read(variant.graph)).graph
    except CorruptBundle:
        raise
    except Exception as exc:  # protobuf's error class depends on its version
        raise _corrupt(bundle, f"{type(exc).__name__}: {str(exc)[:200]}") from exc
    try:
        values = {each.name: _initializer(each) for each in graph.initializer}
        for each in graph.input:
            if each.name not in values or each.name == LAST:  # whose default is every position
                values[each.name] = _input(bundle, each, run)
        fixed = {each.name for each in graph.initializer} | {""}
        return tuple(_node(proto, values, fixed, run) for proto in graph.node)
    except (ArithmeticError, LookupError, TypeError, ValueError) as exc:
        raise _corrupt(bundle, f"{type(exc).__name__}: {str(exc)[:200]}") from exc


def _variant(bundle: Bundle, target: str) -> Variant:
    variant = bundle.variant(target or "cpu")
    if variant is None:
        raise _corrupt(bundle, say(f"It has no graph for {target}.", f"{target}용 그래프가 없음"))
    known = isinstance(bundle.manifest.model, ModelFacts | EncoderFacts)
    if variant.graph.endswith(".onnx") and known:
        return variant
    raise DeviceUnavailable(
        say(
            f"The nodes of {variant.graph} cannot be reported.",
            f"{variant.graph}의 노드를 보고할 수 없습니다.",
        ),
        say(
            "Only ONNX graphs of text generators and encoders are.",
            "글을 쓰는 모델과 인코더의 ONNX 그래프만 보고합니다.",
        ),
        f"ondol lint {bundle.name} --target {variant.target}",
    )


def _initializer(proto: Any) -> Value:
    shape = tuple(proto.dims)
    numbers: Array | None = None
    if proto.data_location != 1 and prod(shape) <= FEW and proto.data_type in (6, 7):
        import onnx

        numbers = np.asarray(onnx.numpy_helper.to_array(proto))
    return Value(shape, ITEM_BYTES[proto.data_type], numbers, fixed=True)


def _input(bundle: Bundle, proto: Any, run: Pass) -> Value:
    """An input's shape in a run, and its numbers where nodes make sizes of them."""
    said = proto.type.tensor_type
    sizes = [dim.dim_value if dim.HasField("dim_value") else None for dim in said.shape.dim]
    decodes = isinstance(bundle.manifest.model, ModelFacts)
    free: Shape = (1, run.tokens)
    if decodes and proto.name == "attention_mask":
        free = (1, run.before + run.tokens)
    elif proto.name.startswith("past_key_values."):
        free = (1, 0, run.context, 0)
    shape = tuple(free[at] if size is None else size for at, size in enumerate(sizes))
    numbers: Array | None = None
    if said.elem_type in (6, 7) and prod(shape) <= FEW:
        numbers = np.full(shape, -1 if proto.name == LAST else 1, np.int64)
    return Value(shape, ITEM_BYTES[said.elem_type], numbers)


def _node(proto: Any, values: dict[str, Value], fixed: set[str], run: Pass) -> NodeCost:
    operator = f"{proto.domain}::{proto.op_type}" if proto.domain else str(proto.op_type)
    said = _attributes(proto)
    given = [values[name] if name else ABSENT for name in proto.input]
    made = _made(operator, given, said)
    for name, value in zip(proto.output, made, strict=False):
        if name:
            values[name] = value
    folded = fixed.issuperset(proto.input)
    if folded:
        fixed.update(proto.output)
    named = [value for name, value in zip(proto.output, made, strict=False) if name]
    return NodeCost(
        proto.name,
        operator,
        0 if folded else _flops(operator, given, named, said, run),
        0 if folded else _bytes(operator, given, named, said, run),
        any(value.fixed and len(value.shape) > 1 for value in given),
        folded,
    )


def _made(operator: str, given: Sequence[Value], said: Attributes) -> list[Value]:
    if operator == "Shape":
        shape = np.array(given[0].shape, np.int64)
        numbers = shape[said.integer("start", 0) : said.integer("end", len(shape))]
        return [Value(numbers.shape, 8, numbers)]
    if operator == "DequantizeLinear" and given[0].fixed:
        return [replace(given[0], numbers=None)]  # of weights, as they lie in the file
    few = all(value is ABSENT or value.numbers is not None for value in given)
    if few and operator in KNOWN and given:
        results = KNOWN[operator].run(Inputs([value.numbers for value in given]), said)
        return [
            Value(each.shape, each.itemsize, each if each.size <= FEW else None) for each in results
        ]
    if operator not in RULES:
        raise ValueError(operator)
    return [Value(shape) for shape in RULES[operator](given, said)]


def _flops(
    operator: str, given: Sequence[Value], made: Sequence[Value], said: Attributes, run: Pass
) -> int:
    if operator in (*VIEWS, *MOVES):
        return 0
    if operator in PRODUCTS:
        return 2 * made[0].size * given[0].shape[-1]
    if operator.endswith("::GroupQueryAttention"):
        return 4 * made[0].shape[-1] * _seen(said, run)
    if operator.endswith("::MultiHeadAttention"):
        return 4 * given[0].size * given[1].shape[1]
    return made[0].size


def _bytes(
    operator: str, given: Sequence[Value], made: Sequence[Value], said: Attributes, run: Pass
) -> int:
    if operator in VIEWS:
        return 0
    if operator in LOOKUPS:
        rows = given[0].shape[0] if given[0].shape else 1
        looked = [value for value in given if value is not given[1]]
        read = sum(value.bytes for value in looked) * given[1].size // max(1, rows)
        return int(read + given[1].bytes + made[0].bytes)
    if not operator.endswith("::GroupQueryAttention"):
        return sum(value.bytes for value in [*given, *made])
    past = given[3]
    row = past.shape[1] * past.shape[3] * past.item_bytes
    window = said.integer("local_window_size", -1)
    total = run.before + run.tokens
    read = min(total, window + run.tokens - 1) if window > 0 else total
    rows = sum(value.bytes for value in (*given[:3], made[0]))
    return int(rows + 2 * row * (read + run.tokens))


def _seen(said: Attributes, run: Pass) -> int:
    """Positions that the new tokens look at together: each itself and those before."""
    window = said.integer("local_window_size", -1)
    ends = np.arange(run.before + 1, run.before + run.tokens + 1, dtype=np.int64)
    return int(np.minimum(ends, window).sum() if window > 0 else ends.sum())


def _attributes(proto: Any) -> Attributes:
    values: dict[str, int | float | str | tuple[int, ...]] = {}
    for each in proto.attribute:
        if each.type == INTEGERS:
            values[each.name] = tuple(each.ints)
        elif each.type in VALUES:
            value = getattr(each, VALUES[each.type])
            values[each.name] = (
                value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            )
    return Attributes(values)


def _corrupt(bundle: Bundle, why: str) -> CorruptBundle:
    return CorruptBundle(
        say(
            f"The graph of {bundle.name} cannot be followed.",
            f"{bundle.name}의 그래프를 따라갈 수 없습니다.",
        ),
        why,
        say("Convert the model again.", "모델을 다시 변환하세요."),
    )
