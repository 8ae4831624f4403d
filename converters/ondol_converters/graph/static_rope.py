"""Heads turned by their positions (RoFormer, arXiv 2104.09864), in operators of plain ONNX."""

from collections.abc import Sequence

import numpy as np

from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.drawing import Drawing


def turned(sheet: Drawing, d: Decoder, x: str, turn: Sequence[str], name: str) -> str:
    """x [n, heads, head_dim] with its first elements turned.

    Where pairs are neighbours they come out with their halves apart: q and k alike, so that
    their products, which are all that anyone sees, are the same.

    Args:
        sheet: where to draw.
        d: how many elements turn, and which are pairs.
        x: q or k.
        turn: cosines and sines of the positions, each [n, 1, turned / 2].
        name: what the nodes' names begin with.
    """
    half, rest = d.turned // 2, list[str]()
    if d.turned < d.head_dim:
        x, *rest = _split(sheet, x, [d.turned, d.head_dim - d.turned], f"{name}/Part")
    if d.rotary_interleaved:
        pairs = _reshaped(sheet, x, [0, 0, half, 2], f"{name}/Pairs")
        apart = sheet.node("Transpose", [pairs], f"{name}/Apart", {"perm": [0, 1, 3, 2]})
        x = _reshaped(sheet, apart, [0, 0, d.turned], f"{name}/Halved")
    left, right = _split(sheet, x, [half, half], f"{name}/Halves")
    cos, sin = turn

    def product(a: str, b: str, word: str) -> str:
        return sheet.node("Mul", [a, b], f"{name}/{word}")

    first = [product(left, cos, "LeftCos"), product(right, sin, "RightSin")]
    second = [product(right, cos, "RightCos"), product(left, sin, "LeftSin")]
    made = [
        sheet.node("Sub", first, f"{name}/First"),
        sheet.node("Add", second, f"{name}/Second"),
    ]
    return sheet.node("Concat", [*made, *rest], f"{name}/Turned", {"axis": -1})


def _split(sheet: Drawing, x: str, sizes: list[int], name: str) -> list[str]:
    outputs = [f"{name}.{n}" for n in range(len(sizes))]
    said = sheet.constant("sizes." + "x".join(map(str, sizes)), np.array(sizes, np.int64))
    sheet.node("Split", [x, said], name, {"axis": -1}, outputs)
    return outputs


def _reshaped(sheet: Drawing, x: str, shape: list[int], name: str) -> str:
    said = sheet.constant("shape." + "x".join(map(str, shape)), np.array(shape, np.int64))
    return sheet.node("Reshape", [x, said], name)
