"""ONNX operators in numpy, one function each: what the reference device means by their names.

Float tensors may come in any width; what is computed is as wide as the operator's first float
input. Quantised weights are expanded exactly, a few rows at a time, and never rounded again.
The operators of `com.microsoft` are those of ONNX Runtime's docs/ContribOperators.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

CHUNK_ELEMENTS = 1 << 21  # of a weight matrix, expanded at a time
CAST = {1: np.float32, 6: np.int32, 7: np.int64, 11: np.float64}  # ONNX's numbers of types


class Inputs:
    """A node's inputs by position."""

    def __init__(self, values: Sequence[Array | None]) -> None:
        self._values = values

    def __getitem__(self, at: int) -> Array:
        value = self.optional(at)
        if value is None:
            raise ValueError(f"input {at} is missing")
        return value

    def __iter__(self) -> Iterator[Array]:
        return (self[at] for at in range(len(self._values)))

    def optional(self, at: int) -> Array | None:
        """An input, or None where the node leaves it out."""
        return self._values[at] if at < len(self._values) else None


@dataclass(frozen=True, slots=True)
class Attributes:
    """A node's attributes by name, each a number, a word or whole numbers."""

    values: Mapping[str, int | float | str | tuple[int, ...]]

    def integer(self, name: str, default: int | None = None) -> int:
        """A whole number; without a default it must be there."""
        value = self.values.get(name, default)
        if not isinstance(value, int):
            raise ValueError(f"attribute {name} is {value!r}")
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        """Whole numbers; they must be there."""
        value = self.values.get(name)
        if not isinstance(value, tuple):
            raise ValueError(f"attribute {name} is {value!r}")
        return value

    def number(self, name: str, default: float) -> float:
        """A number."""
        value = self.values.get(name, default)
        if not isinstance(value, int | float):
            raise ValueError(f"attribute {name} is {value!r}")
        return float(value)

    def word(self, name: str, default: str) -> str:
        """A word."""
        value = self.values.get(name, default)
        if not isinstance(value, str):
            raise ValueError(f"attribute {name} is {value!r}")
        return value


Function = Callable[[Inputs, Attributes], tuple[Array, ...]]

Times = Callable[[Array, int, Callable[[slice], Array]], Array]
"""Multiplies x [..., columns] by a matrix transposed: of how many rows, and some of them."""


@dataclass(frozen=True, slots=True)
class Operator:
    """What computes an operator, and the attributes it heeds; any other is refused."""

    run: Function
    attributes: frozenset[str] = frozenset()


def _add(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    return (given[0] + given[1],)


def _sub(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    return (given[0] - given[1],)


def _mul(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    return (given[0] * given[1],)


def _cast(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    to = CAST.get(said.integer("to"))
    if to is None:
        raise ValueError(f"Cast to type {said.integer('to')}")
    return (given[0].astype(to),)


def _concat(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    return (np.concatenate(list(given), axis=said.integer("axis")),)


def _gather(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    return (np.take(given[0], given[1], axis=said.integer("axis", 0)),)


def _identity(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    return (given[0],)


def _range(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    start, limit, delta = (given[at] for at in range(3))
    return (np.arange(start.item(), limit.item(), delta.item(), dtype=start.dtype),)


def _reduce_sum(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    axes = given.optional(1)
    over = None if axes is None or axes.size == 0 else tuple(axes.tolist())
    keep = bool(said.integer("keepdims", 1))
    return (np.asarray(given[0].sum(axis=over, keepdims=keep)),)


def _reshape(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    x, shape = given[0], given[1].tolist()
    return (x.reshape([x.shape[i] if size == 0 else size for i, size in enumerate(shape)]),)


def _shape(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    shape = given[0].shape[said.integer("start", 0) : said.integer("end", given[0].ndim)]
    return (np.array(shape, np.int64),)


def _slice(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    x, starts, ends = given[0], given[1].tolist(), given[2].tolist()
    axes, steps = given.optional(3), given.optional(4)
    cuts = [slice(None)] * x.ndim
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        step = 1 if steps is None else int(steps[i])
        cuts[i if axes is None else int(axes[i])] = slice(start, end, step)
    return (x[tuple(cuts)],)


def _split(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    axis, sizes = said.integer("axis", 0), given[1]
    if sizes.sum() != given[0].shape[axis] or (sizes < 0).any():
        raise ValueError(f"Split of {given[0].shape[axis]} into {sizes.tolist()}")
    return tuple(np.split(given[0], np.cumsum(sizes)[:-1].tolist(), axis=axis))


def _squeeze(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    axes = given.optional(1)
    return (np.squeeze(given[0], None if axes is None else tuple(axes.tolist())),)


def _matmul(times: Times, given: Inputs, said: Attributes) -> tuple[Array, ...]:
    if said.integer("transA", 0):
        raise ValueError("transA")
    x, weights = given[0], given[1]
    rows = weights if said.integer("transB", 0) else weights.T
    if rows.ndim != 2:
        raise ValueError(f"B of {rows.ndim} dimensions")
    product = times(x, len(rows), lambda part: rows[part])
    return (product * said.number("alpha", 1.0),)


def _matmul_bits(times: Times, given: Inputs, said: Attributes) -> tuple[Array, ...]:
    if given.optional(3) is not None or given.optional(4) is not None:
        raise ValueError("zero_points or g_idx")
    x, quants, scales, bias = given[0], given[1], given[2], given.optional(5)
    bits, block = said.integer("bits"), said.integer("block_size")
    rows, columns = said.integer("N"), said.integer("K")
    blocks = -(-columns // block)
    quants = quants.reshape(rows, blocks * block * bits // 8)
    scales = scales.reshape(rows, blocks)

    def expanded(part: slice) -> Array:
        return expand(quants[part], scales[part], bits, block)[:, :columns]

    product = times(x, rows, expanded)
    return (product if bias is None else product + bias,)


def _gather_bits(given: Inputs, said: Attributes) -> tuple[Array, ...]:
    quants, ids, scales = given[0], given[1], given[2]
    if given.optional(3) is not None or quants.ndim != 2 or said.integer("gather_axis", 0) != 0:
        raise ValueError("zero_points, gather_axis or shape")
    if said.integer("quantize_axis", 1) not in (1, -1):
        raise ValueError("quantize_axis")
    bits, block = said.integer("bits", 4), said.integer("block_size", 128)
    flat = ids.ravel()
    rows = expand(np.take(quants, flat, 0), np.take(scales, flat, 0), bits, block)
    return (rows.reshape(*ids.shape, rows.shape[1]),)


def expand(quants: Array, scales: Array, bits: int, block: int) -> NDArray[np.float32]:
    """Rows of blocks symmetric about 2^(bits-1), as the float32 numbers that they stand for.

    Args:
        quants: uint8 [rows, bytes]; of two 4-bit values in a byte the low one comes first.
        scales: float32 [rows, blocks].
        bits: 4 or 8.
        block: values that share a scale.
    """
    if bits not in (4, 8) or quants.dtype != np.uint8:
        raise ValueError(f"{bits} bits in {quants.dtype}")
    if bits == 4:
        quants = np.stack([quants & 15, quants >> 4], axis=-1).reshape(len(quants), -1)
    if quants.shape[1] > scales.shape[1] * block:
        raise ValueError(f"{quants.shape[1]} values, {scales.shape[1]} scales of {block}")
    zero = np.float32(1 << (bits - 1))
    each = np.repeat(scales.astype(np.float32), block, axis=1)[:, : quants.shape[1]]
    return np.asarray((quants.astype(np.float32) - zero) * each, np.float32)


def _times(x: Array, rows: int, expanded: Callable[[slice], Array]) -> Array:
    """x times a matrix transposed, of which a few rows are there at a time."""
    out = np.empty((*x.shape[:-1], rows), x.dtype)
    for part in parts(rows, x.shape[-1]):
        out[..., part] = x @ expanded(part).astype(x.dtype, copy=False).T
    return out


def parts(rows: int, columns: int) -> Iterator[slice]:
    """Rows of a matrix, as many at a time as are to be expanded at once."""
    step = max(1, CHUNK_ELEMENTS // max(1, columns))
    yield from (slice(at, min(at + step, rows)) for at in range(0, rows, step))


def products(times: Times) -> Mapping[str, Operator]:
    """The operators that multiply by a matrix of weights, with the multiplication given."""
    return {
        "com.microsoft::FusedMatMul": Operator(
            partial(_matmul, times), frozenset({"alpha", "transA", "transB"})
        ),
        "com.microsoft::MatMulNBits": Operator(
            # accuracy_level lets a device round activations; exact arithmetic is always allowed
            partial(_matmul_bits, times),
            frozenset({"K", "N", "bits", "block_size", "accuracy_level"}),
        ),
    }


OPERATORS: Mapping[str, Operator] = {
    "Add": Operator(_add),
    "Cast": Operator(_cast, frozenset({"to"})),
    "Concat": Operator(_concat, frozenset({"axis"})),
    "Gather": Operator(_gather, frozenset({"axis"})),
    "Identity": Operator(_identity),
    "Mul": Operator(_mul),
    "Range": Operator(_range),
    "ReduceSum": Operator(_reduce_sum, frozenset({"keepdims"})),
    "Reshape": Operator(_reshape),
    "Shape": Operator(_shape, frozenset({"start", "end"})),
    "Slice": Operator(_slice),
    "Split": Operator(_split, frozenset({"axis"})),
    "Squeeze": Operator(_squeeze),
    "Sub": Operator(_sub),
    "com.microsoft::GatherBlockQuantized": Operator(
        _gather_bits, frozenset({"bits", "block_size", "gather_axis", "quantize_axis"})
    ),
    **products(_times),
}
"""By name, those outside the default domain as `domain::Name`.

Attention, and norms with activations, have files of their own.
"""
