"""An embedder for onert: one text, in operators that circle has.

    input_ids int32 [n], numbers int32 [n] of the positions, mask float32 [n], 1 before padding
      → embedding float32 [1, hidden], of length 1 where it is normalised

The same layers as graph/encoder.py draws, with attention in primitives. Nothing inside depends on
n: a runtime resizes the inputs before it prepares the graph.
"""

import math
from collections.abc import Sequence

import numpy as np
import onnx

from ondol.static_cache import HIDDEN
from ondol_converters.graph.drawing import MICROSOFT, Drawing
from ondol_converters.graph.encoder import EMBEDDING, Encoder, EncoderWeights

DECLARED = 16
"""The n that the file declares."""
LEAST = 1e-12  # of a length that is divided by


def draw_circle(
    encoder: Encoder, weights: EncoderWeights, weights_file: str, version: str
) -> onnx.ModelProto:
    """The ONNX model to be translated."""
    pen = _Pen(encoder, weights, Drawing(weights_file))
    pen.draw()
    return pen.sheet.model("encoder", version)


class _Pen:
    """Draws an encoder; `x` is always [n, hidden]."""

    def __init__(self, encoder: Encoder, weights: EncoderWeights, sheet: Drawing) -> None:
        self.e, self.w, self.sheet = encoder, weights, sheet

    def draw(self) -> None:
        sheet = self.sheet
        ids = sheet.input("input_ids", "int32", [DECLARED])
        numbers = sheet.input("numbers", "int32", [DECLARED])
        mask = sheet.input("mask", "float32", [DECLARED])
        words = sheet.rows(ids, self.w.matrices["words"], "words")
        table = sheet.stored(self.w.positions)
        places = sheet.node("Gather", [table, numbers], "positions/Gather", {"axis": 0})
        x = self._norm(sheet.node("Add", [words, places], "positions/Add"), "norm")
        hidden = self._hidden(mask)
        for i in range(self.e.layers):
            x = self._layer(i, x, hidden)
        pooled = self._mean(x, mask) if self.e.pooling == "mean" else self._first(x)
        if self.e.normalised:
            pooled = self._unit(pooled)
        sheet.rename(pooled, EMBEDDING)
        sheet.output(EMBEDDING, "float32", [1, self.e.hidden])

    def _hidden(self, mask: str) -> str:
        """What is added to scores [n]: 0 before padding."""
        sheet = self.sheet
        less = sheet.node("Sub", [mask, sheet.constant("one", np.array(1, np.float32))], "mask/Sub")
        much = sheet.constant("much", np.array(-HIDDEN, np.float32))
        return sheet.node("Mul", [less, much], "mask/Mul")

    def _norm(self, x: str, name: str) -> str:
        weight, bias = self.w.norms[name]
        constant = self.sheet.constant
        inputs = [x, constant(f"{name}.weight", weight), constant(f"{name}.bias", bias)]
        said = {"axis": -1, "epsilon": self.e.epsilon}
        return self.sheet.node("LayerNormalization", inputs, f"{name}/Norm", said)

    def _layer(self, i: int, x: str, hidden: str) -> str:
        at = f"layers.{i}"
        out = self._product(self._attended(x, hidden, at), f"{at}.attention")
        x = self._joined(out, x, f"{at}.attention_norm")
        inner = self._product(x, f"{at}.inner")
        active = self.sheet.node(f"{MICROSOFT}::Gelu", [inner], f"{at}.Gelu")
        return self._joined(self._product(active, f"{at}.outer"), x, f"{at}.outer_norm")

    def _attended(self, x: str, hidden: str, at: str) -> str:
        sheet, e = self.sheet, self.e
        qkv = self._product(x, f"{at}.qkv")
        sizes = sheet.constant("qkv_sizes", np.array([e.hidden] * 3, np.int64))
        parts = [f"{at}.{part}" for part in ("query", "key", "value")]
        sheet.node("Split", [qkv, sizes], f"{at}.Split", {"axis": -1}, parts)
        q, k, v = (self._heads(part) for part in parts)
        product = f"{MICROSOFT}::FusedMatMul"
        scores = sheet.node(product, [q, k], f"{at}.Scores", {"transB": 1})
        scale = sheet.constant("scale", np.array(1 / math.sqrt(e.hidden // e.heads), np.float32))
        scores = sheet.node("Mul", [scores, scale], f"{at}.Scale")
        masked = sheet.node("Add", [scores, hidden], f"{at}.Mask")
        shares = sheet.node("Softmax", [masked], f"{at}.Softmax", {"axis": -1})
        mixed = sheet.node(product, [shares, v], f"{at}.Mix")
        rows = sheet.node("Transpose", [mixed], f"{at}.Rows", {"perm": [1, 0, 2]})
        return self._reshaped(rows, [-1, e.hidden])

    def _heads(self, x: str) -> str:
        """x as [heads, n, hidden / heads]."""
        split = self._reshaped(x, [-1, self.e.heads, self.e.hidden // self.e.heads])
        return self.sheet.node("Transpose", [split], f"{x}/Heads", {"perm": [1, 0, 2]})

    def _product(self, x: str, name: str) -> str:
        return self.sheet.matmul(x, self.w.matrices[name], name)

    def _joined(self, branch: str, x: str, norm: str) -> str:
        return self._norm(self.sheet.node("Add", [branch, x], f"{norm}/Add"), norm)

    def _mean(self, x: str, mask: str) -> str:
        sheet = self.sheet
        axis = sheet.constant("axis.0", np.array([0], np.int64))
        last = sheet.constant("axis.last", np.array([-1], np.int64))
        column = sheet.node("Unsqueeze", [mask, last], "mask/Unsqueeze")
        kept = sheet.node("Mul", [x, column], "mean/Mul")
        total = sheet.node("ReduceSum", [kept, axis], "mean/Sum", {"keepdims": 1})
        count = sheet.node("ReduceSum", [column, axis], "mean/Count", {"keepdims": 1})
        return sheet.node("Div", [total, count], "mean/Div")

    def _first(self, x: str) -> str:
        first = self.sheet.constant("first", np.array([0], np.int32))
        return self.sheet.node("Gather", [x, first], "cls/Gather", {"axis": 0})

    def _unit(self, x: str) -> str:
        """x [1, hidden] of length 1."""
        sheet = self.sheet
        last = sheet.constant("axis.last", np.array([-1], np.int64))
        square = sheet.node("Mul", [x, x], "unit/Square")
        total = sheet.node("ReduceSum", [square, last], "unit/Sum", {"keepdims": 1})
        least = sheet.constant("least", np.array(LEAST, np.float32))
        length = sheet.node("Sqrt", [sheet.node("Add", [total, least], "unit/Least")], "unit/Sqrt")
        return sheet.node("Div", [x, length], "unit/Div")

    def _reshaped(self, x: str, shape: Sequence[int]) -> str:
        name = "shape." + "x".join(map(str, shape))
        sizes = self.sheet.constant(name, np.array(shape, np.int64))
        return self.sheet.node("Reshape", [x, sizes], f"{x}/Reshape")
