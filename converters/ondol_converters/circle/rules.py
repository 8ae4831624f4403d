"""How each ONNX operator becomes circle operators that onert computes right.

What onert 0.1.0 gets wrong or lacks is written with other operators: SPLIT_V cuts the last axis
in the wrong places, so parts are SLICEs; RMS_NORM keeps its declared shape when the inputs are
resized, and there is no LayerNorm, so norms are MEAN, RSQRT and MUL; a product with blocks takes
no bias, so that is an ADD. targets/one.toml says how each was found.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ondol.language import say
from ondol_converters.circle.file import NOTHING, Value
from ondol_converters.circle.translation import (
    MICROSOFT,
    Node,
    Translation,
    options,
    untranslatable,
)
from ondol_converters.circle.weights import Blocks

Rule = Callable[[Translation, Node], None]


def _gather(t: Translation, node: Node) -> None:
    table, ids = (t.value(name) for name in node.inputs)
    axis = node.attributes.get("axis", 0)
    shape = (*table.shape[:axis], *ids.shape, *table.shape[axis + 1 :])
    made = t.emit(
        "GATHER", [table, ids], node.outputs[0], shape, options("GatherOptions", axis=axis)
    )
    t.set(node.outputs[0], made)


def _gather_blocks(t: Translation, node: Node) -> None:
    """Rows of a table: Q4_0 as GATHER has it; 8 bits as bytes and scales, for it has no Q8_0."""
    packed, ids, scales = node.inputs
    said, quants = node.attributes, t.initializer(packed)
    bits, block, rows = said["bits"], said["block_size"], quants.shape[0]
    columns = quants.shape[1] * 8 // bits
    matrix = Blocks(quants, t.initializer(scales), rows, columns, bits, block)
    wanted, out, at = t.value(ids), node.outputs[0], options("GatherOptions", axis=0)
    shape = (*wanted.shape, columns)
    if matrix.kind != "q8_0":
        table = t.blocks(packed, matrix)
        t.set(out, t.emit("GATHER", [table, wanted], out, shape, at))
        return
    table = t.file.weight(packed, "uint8", (rows, columns), rows * columns, matrix.bytes)
    each = columns // block
    factors = t.file.weight(scales, "float32", (rows, each), 4 * rows * each, matrix.scale_rows)
    picked = t.emit("GATHER", [table, wanted], f"{out}.bytes", shape, at, "uint8")
    for value in (table, picked):
        t.file.quantised(value, 1.0, 128)
    steps = t.emit("DEQUANTIZE", [picked], f"{out}.steps", shape, options("DequantizeOptions"))
    groups = _reshaped(t, steps, [-1, each, block], f"{out}.groups", wanted.shape)
    scale = t.emit("GATHER", [factors, wanted], f"{out}.scales", (*wanted.shape, each), at)
    scale = _reshaped(t, scale, [-1, each, 1], f"{out}.scales3", wanted.shape)
    product = _binary(t, "MUL", groups, scale, f"{out}.product")
    t.set(out, _reshaped(t, product, [-1, columns], out, wanted.shape))


def _product_of_blocks(t: Translation, node: Node) -> None:
    x, packed, scales, *rest = node.inputs
    said = node.attributes
    matrix = Blocks(
        t.initializer(packed),
        t.initializer(scales),
        said["N"],
        said["K"],
        said["bits"],
        said["block_size"],
    )
    weights = t.blocks(packed, matrix)
    made = _fully_connected(t, t.value(x), weights, node.outputs[0])
    if len(rest) > 2 and rest[2]:  # onert adds no bias to a product with blocks
        made = _binary(t, "ADD", made, t.value(rest[2]), f"{node.outputs[0]}.biased")
    t.set(node.outputs[0], made)


def _matmul(t: Translation, node: Node) -> None:
    """A product with weights [rows, columns], or of two batches."""
    left, right = node.inputs
    transposed = bool(node.attributes.get("transB", 0))
    x = t.value(left)
    if t.is_constant(right):
        if not transposed:
            raise untranslatable(node, f"{node.op} transB = 0")
        t.set(node.outputs[0], _fully_connected(t, x, t.value(right), node.outputs[0]))
        return
    y = t.value(right)
    columns = y.shape[-2] if transposed else y.shape[-1]
    shape = (*np.broadcast_shapes(x.shape[:-2], y.shape[:-2]), x.shape[-2], columns)
    said = options("BatchMatMulOptions", adjointRhs=transposed)
    t.set(node.outputs[0], t.emit("BATCH_MATMUL", [x, y], node.outputs[0], shape, said))


def _fully_connected(t: Translation, x: Value, weights: Value, name: str) -> Value:
    # two axes in, two out: onert flattens what it makes whatever keepNumDims says
    shape = (x.shape[0], weights.shape[0])
    said = options("FullyConnectedOptions")
    return t.emit("FULLY_CONNECTED", [x, weights, NOTHING], name, shape, said)


def _elementwise(code: str, table: str, t: Translation, node: Node) -> None:
    left, right = (t.value(name) for name in node.inputs)
    t.set(node.outputs[0], _binary(t, code, left, right, node.outputs[0], table))


def _binary(
    t: Translation, code: str, left: Value, right: Value, name: str, table: str = ""
) -> Value:
    said = options(table or f"{code.title()}Options")
    return t.emit(code, [left, right], name, np.broadcast_shapes(left.shape, right.shape), said)


def _unary(code: str, said: Mapping[str, Any], table: str, t: Translation, node: Node) -> None:
    x = t.value(node.inputs[0])
    made = options(table, **said) if table else None
    t.set(node.outputs[0], t.emit(code, [x], node.outputs[0], x.shape, made))


def _rms_norm(t: Translation, node: Node) -> None:
    """x / sqrt(mean square + epsilon), scaled (arXiv 1910.07467)."""
    x, gamma = (t.value(name) for name in node.inputs)
    out = node.outputs[0]
    square = _binary(t, "MUL", x, x, f"{out}.square")
    unit = _binary(t, "MUL", x, _root(t, square, node), f"{out}.unit")
    t.set(out, _binary(t, "MUL", unit, gamma, out))


def _layer_norm(t: Translation, node: Node) -> None:
    """(x - mean) / sqrt(variance + epsilon), scaled and shifted (arXiv 1607.06450)."""
    x, gamma, beta = (t.value(name) for name in node.inputs)
    out = node.outputs[0]
    centred = _binary(t, "SUB", x, _mean(t, x, f"{out}.mean"), f"{out}.centred")
    square = _binary(t, "MUL", centred, centred, f"{out}.square")
    unit = _binary(t, "MUL", centred, _root(t, square, node), f"{out}.unit")
    scaled = _binary(t, "MUL", unit, gamma, f"{out}.scaled")
    t.set(out, _binary(t, "ADD", scaled, beta, out))


def _root(t: Translation, square: Value, node: Node) -> Value:
    """1 / sqrt(the mean of squares + epsilon)."""
    out = node.outputs[0]
    epsilon = t.number(node.attributes["epsilon"])
    least = _binary(t, "ADD", _mean(t, square, f"{out}.mean square"), epsilon, f"{out}.least")
    return t.emit("RSQRT", [least], f"{out}.root", least.shape)


def _mean(t: Translation, x: Value, name: str) -> Value:
    axis = t.whole_numbers("axis", [len(x.shape) - 1])
    said = options("ReducerOptions", keepDims=True)
    return t.emit("MEAN", [x, axis], name, (*x.shape[:-1], 1), said)


def _reduce(t: Translation, node: Node) -> None:
    x, axes = t.value(node.inputs[0]), t.numbers(node.inputs[1])
    kept = bool(node.attributes.get("keepdims", 1))
    places = [axis % len(x.shape) for axis in axes]
    sizes = [1 if at in places else size for at, size in enumerate(x.shape)]
    shape = sizes if kept else [s for at, s in enumerate(x.shape) if at not in places]
    inputs = [x, t.whole_numbers("axes", places)]
    said = options("ReducerOptions", keepDims=kept)
    t.set(node.outputs[0], t.emit("SUM", inputs, node.outputs[0], shape, said))


def _softmax(t: Translation, node: Node) -> None:
    x = t.value(node.inputs[0])
    if node.attributes.get("axis", -1) not in (-1, len(x.shape) - 1):
        raise untranslatable(node, "Softmax: axis ≠ -1")
    said = options("SoftmaxOptions", beta=1.0)
    t.set(node.outputs[0], t.emit("SOFTMAX", [x], node.outputs[0], x.shape, said))


def _reshape(t: Translation, node: Node) -> None:
    x = t.value(node.inputs[0])
    t.set(node.outputs[0], _reshaped(t, x, t.numbers(node.inputs[1]), node.outputs[0]))


def _reshaped(
    t: Translation, x: Value, sizes: Sequence[int], name: str, leading: Sequence[int] = ()
) -> Value:
    """x in another shape; of which -1 stays, for a runtime that resizes the inputs.

    `leading` sizes, if there are not just one, cannot be kept by a single -1.
    """
    if len(leading) > 1:
        raise ValueError(f"{name}: {len(leading)} axes of ids")
    rest = -int(np.prod(sizes))
    shape = [int(np.prod(x.shape)) // rest if size == -1 else size for size in sizes]
    said = options("ReshapeOptions", newShape=list(sizes))
    return t.emit("RESHAPE", [x, t.whole_numbers("shape", sizes)], name, shape, said)


def _unsqueeze(t: Translation, node: Node) -> None:
    x, axes = t.value(node.inputs[0]), t.numbers(node.inputs[1])
    if len(axes) != 1:
        raise untranslatable(node, f"Unsqueeze: axes {axes}")
    axis = axes[0] % (len(x.shape) + 1)
    t.set(node.outputs[0], _expanded(t, x, axis, node.outputs[0]))


def _expanded(t: Translation, x: Value, axis: int, name: str) -> Value:
    shape = (*x.shape[:axis], 1, *x.shape[axis:])
    inputs = [x, t.whole_numbers("axis", [axis])]
    return t.emit("EXPAND_DIMS", inputs, name, shape, options("ExpandDimsOptions"))


def _transpose(t: Translation, node: Node) -> None:
    x, order = t.value(node.inputs[0]), list(node.attributes["perm"])
    shape = [x.shape[at] for at in order]
    inputs = [x, t.whole_numbers("order", order)]
    made = t.emit("TRANSPOSE", inputs, node.outputs[0], shape, options("TransposeOptions"))
    t.set(node.outputs[0], made)


def _concat(t: Translation, node: Node) -> None:
    parts = [t.value(name) for name in node.inputs]
    axis = node.attributes["axis"] % len(parts[0].shape)
    shape = list(parts[0].shape)
    shape[axis] = sum(part.shape[axis] for part in parts)
    said = options("ConcatenationOptions", axis=axis)
    t.set(node.outputs[0], t.emit("CONCATENATION", parts, node.outputs[0], shape, said))


def _split(t: Translation, node: Node) -> None:
    x, sizes = t.value(node.inputs[0]), t.numbers(node.inputs[1])
    axis, start = node.attributes["axis"] % len(x.shape), 0
    for name, size in zip(node.outputs, sizes, strict=True):
        begin = [start if at == axis else 0 for at in range(len(x.shape))]
        counts = [size if at == axis else -1 for at in range(len(x.shape))]
        shape = [size if at == axis else each for at, each in enumerate(x.shape)]
        inputs = [x, t.whole_numbers("begin", begin), t.whole_numbers("size", counts)]
        t.set(name, t.emit("SLICE", inputs, name, shape, options("SliceOptions")))
        start += size


def _dequantised(t: Translation, node: Node) -> None:
    """Refused: onert applies the first row's scale to every row, and says nothing."""
    scales = t.initializer(node.inputs[1]) if t.is_constant(node.inputs[1]) else None
    if scales is not None and int(np.prod(scales.shape)) > 1:
        raise untranslatable(
            node,
            say(
                "int8 with a scale for each row: onert would apply the first row's to all.",
                "행마다 배율이 있는 int8: onert는 첫 행의 배율을 모든 행에 씁니다.",
            ),
        )
    raise untranslatable(node, "DequantizeLinear")


def _cast(t: Translation, node: Node) -> None:
    """Weights are widened when the file is written; nothing else is cast."""
    if not t.is_constant(node.inputs[0]):
        raise untranslatable(node, "Cast")
    t.alias(node.outputs[0], node.inputs[0])


RULES: Mapping[str, Rule] = {
    "Add": partial(_elementwise, "ADD", ""),
    "Cast": _cast,
    "Concat": _concat,
    "DequantizeLinear": _dequantised,
    "Div": partial(_elementwise, "DIV", ""),
    "Gather": _gather,
    "LayerNormalization": _layer_norm,
    "Mul": partial(_elementwise, "MUL", ""),
    "ReduceSum": _reduce,
    "Reshape": _reshape,
    "Sigmoid": partial(_unary, "LOGISTIC", {}, ""),
    "SimplifiedLayerNormalization": _rms_norm,
    "Softmax": _softmax,
    "Split": _split,
    "Sqrt": partial(_unary, "SQRT", {}, ""),
    "Sub": partial(_elementwise, "SUB", ""),
    "Tanh": partial(_unary, "TANH", {}, ""),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    f"{MICROSOFT}::FastGelu": partial(_unary, "GELU", {"approximate": True}, "GeluOptions"),
    f"{MICROSOFT}::FusedMatMul": _matmul,
    f"{MICROSOFT}::GatherBlockQuantized": _gather_blocks,
    f"{MICROSOFT}::Gelu": partial(_unary, "GELU", {"approximate": False}, "GeluOptions"),
    f"{MICROSOFT}::MatMulNBits": _product_of_blocks,
}
"""Rules by ONNX operator, those outside the default domain as `domain::Name`."""
