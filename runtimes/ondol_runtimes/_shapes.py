"""Shapes of what a node makes, from those of what it takes: no number is computed.

Operators as of `_operators`; those of `com.microsoft` are ONNX Runtime's docs/ContribOperators.md.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from ondol_runtimes._operators import Array, Attributes

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Value:
    """What is known of a value: its shape, bytes of an element, and its numbers where they are few.

    `fixed` is an initializer, whose bytes are as they lie in the file.
    """

    shape: Shape
    item_bytes: float = 4
    numbers: Array | None = None
    fixed: bool = False

    @property
    def size(self) -> int:
        """Elements."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of all elements."""
        return int(self.size * self.item_bytes)

    def whole(self) -> list[int]:
        """Its numbers, which must be known; raises ValueError."""
        if self.numbers is None:
            raise ValueError(f"numbers of {self.shape} are not known")
        return [int(each) for each in self.numbers.ravel()]


ABSENT = Value((0,), 0)
"""An input that a node leaves out."""

Rule = Callable[[Sequence[Value], Attributes], Sequence[Shape]]


def _same(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    return (given[0].shape,) * 4


def _broadcast(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    return (np.broadcast_shapes(*(each.shape for each in given)),)


def _bits(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    return ((*given[0].shape[:-1], said.integer("N")),)


def _matmul(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    left, right = given[0].shape, given[1].shape
    if said.integer("transA", 0):
        left = (*left[:-2], left[-1], left[-2])
    if said.integer("transB", 0):
        right = (*right[:-2], right[-1], right[-2])
    if left[-1] != right[-2]:
        raise ValueError(f"{left} x {right}")
    return ((*np.broadcast_shapes(left[:-2], right[:-2]), left[-2], right[-1]),)


def _gather(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    axis = said.integer("axis", 0) % len(given[0].shape)
    table = given[0].shape
    return ((*table[:axis], *given[1].shape, *table[axis + 1 :]),)


def _gather_bits(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    width = given[0].shape[-1] * 8 // said.integer("bits", 4)
    return ((*given[1].shape, width),)


def _split(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    shape = given[0].shape
    axis = said.integer("axis", 0) % len(shape)
    return [(*shape[:axis], size, *shape[axis + 1 :]) for size in given[1].whole()]


def _reshape(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    wanted = [given[0].shape[at] if size == 0 else size for at, size in enumerate(given[1].whole())]
    if -1 in wanted:
        rest = -prod(wanted)
        wanted[wanted.index(-1)] = given[0].size // rest if rest else 0
    if prod(wanted) != given[0].size:
        raise ValueError(f"{given[0].shape} as {wanted}")
    return (tuple(wanted),)


def _slice(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    shape = list(given[0].shape)
    starts, ends = given[1].whole(), given[2].whole()
    axes = given[3].whole() if len(given) > 3 else list(range(len(starts)))
    steps = given[4].whole() if len(given) > 4 else [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        shape[axis] = len(range(*slice(start, end, step).indices(shape[axis])))
    return (tuple(shape),)


def _concat(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    shape = list(given[0].shape)
    axis = said.integer("axis") % len(shape)
    shape[axis] = sum(each.shape[axis] for each in given)
    return (tuple(shape),)


def _unsqueeze(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    axes = given[1].whole()
    count = len(given[0].shape) + len(axes)
    places = {axis % count for axis in axes}
    rest = iter(given[0].shape)
    return (tuple(1 if at in places else next(rest) for at in range(count)),)


def _transpose(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    return (tuple(given[0].shape[axis] for axis in said.integers("perm")),)


def _reduce(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    shape = given[0].shape
    places = {axis % len(shape) for axis in given[1].whole()}
    kept = bool(said.integer("keepdims", 1))
    sizes = [1 if at in places else size for at, size in enumerate(shape)]
    return (tuple(size for at, size in enumerate(sizes) if kept or at not in places),)


def _attend(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    width = said.integer("num_heads") * given[3].shape[3]  # query, keys, values may be one input
    return ((*given[0].shape[:2], width), given[3].shape, given[4].shape)


def _mixed(given: Sequence[Value], said: Attributes) -> Sequence[Shape]:
    return (given[0].shape,)


MICROSOFT = "com.microsoft"

ALIKE = (
    *("Cast", "DequantizeLinear", "Identity", "LayerNormalization", "LpNormalization"),
    *("QuantizeLinear", "RMSNormalization", "Sigmoid", "SimplifiedLayerNormalization", "Softmax"),
    *("Sqrt", "Tanh"),
    *(f"{MICROSOFT}::{name}" for name in ("FastGelu", "Gelu", "QuickGelu", "RotaryEmbedding")),
    f"{MICROSOFT}::SkipLayerNormalization",
    f"{MICROSOFT}::SkipSimplifiedLayerNormalization",
)

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(ALIKE, _same),
    **dict.fromkeys(("Add", "Div", "Mul", "Sub"), _broadcast),
    "Concat": _concat,
    "Gather": _gather,
    "Gemm": _matmul,
    "MatMul": _matmul,
    "ReduceMean": _reduce,
    "ReduceSum": _reduce,
    "Reshape": _reshape,
    "Slice": _slice,
    "Split": _split,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    f"{MICROSOFT}::FusedMatMul": _matmul,
    f"{MICROSOFT}::GatherBlockQuantized": _gather_bits,
    f"{MICROSOFT}::GroupQueryAttention": _attend,
    f"{MICROSOFT}::MatMulNBits": _bits,
    f"{MICROSOFT}::MultiHeadAttention": _mixed,
}
"""Rules by operator; what has none must be computable from numbers that are known."""
