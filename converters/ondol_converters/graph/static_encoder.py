"""An embedder as a graph of fixed shapes in plain ONNX, for neural processors: one text.

    input_ids int32 [1, n], attention_mask int32 [1, n], 1 before padding
      → embedding float32 [1, hidden], of length 1 where it is normalised

The same layers as graph/encoder.py draws, with attention in primitives.
"""

import math
from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto

from ondol.static_cache import HIDDEN
from ondol_converters.graph.drawing import Drawing
from ondol_converters.graph.encoder import EMBEDDING, Encoder, EncoderWeights


class StaticEncoderPen:
    """Draws in float32; `x` is always [n, hidden], and nothing between the ends depends on n."""

    def __init__(self, encoder: Encoder, weights: EncoderWeights, sheet: Drawing, n: int) -> None:
        """Args: weights with all matrices in float32 in the sheet's file, n tokens."""
        self.e, self.w, self.sheet, self.n = encoder, weights, sheet, n

    def model(self, version: str) -> onnx.ModelProto:
        """The whole model."""
        self.draw()
        return self.sheet.model("encoder static", version)

    def draw(self) -> None:
        """Draw it on the sheet."""
        sheet = self.sheet
        words = self.words()
        x = self._norm(sheet.node("Add", [words, self.places()], "positions/Add"), "norm")
        real = self.real()
        hidden = self._hidden(real)
        for i in range(self.e.layers):
            x = self._layer(i, x, hidden)
        pooled = self._mean(x, real) if self.e.pooling == "mean" else self._first(x)
        if self.e.normalised:
            pooled = self.unit(pooled)
        sheet.rename(pooled, EMBEDDING)
        sheet.output(EMBEDDING, "float32", [1, self.e.hidden])

    def words(self) -> str:
        """The rows of the tokens."""
        ids = self.sheet.input("input_ids", "int32", [1, self.n])
        return self._reshaped(
            self.sheet.rows(ids, self.w.matrices["words"], "words"), [-1, self.e.hidden]
        )

    def places(self) -> str:
        """The rows of the positions."""
        return self.sheet.stored(self.w.positions.rows(0, self.n))

    def real(self) -> str:
        """What is no padding, float32 [n]: 1, else 0."""
        mask = self.sheet.input("attention_mask", "int32", [1, self.n])
        real = self.sheet.node("Cast", [mask], "mask/Cast", {"to": TensorProto.FLOAT})
        return self._reshaped(real, [-1])

    def product(self, x: str, name: str) -> str:
        """x times a matrix transposed, and its bias."""
        matrix = self.w.matrices[name]
        bias = [] if matrix.bias is None else [self.sheet.constant(f"{name}/bias", matrix.bias)]
        inputs = [x, self.sheet.stored(matrix.quants), *bias]
        return self.sheet.node("Gemm", inputs, f"{name}/Gemm", {"transB": 1})

    def scores(self, q: str, k: str, at: str) -> str:
        """q times k transposed, [heads, n, n]."""
        across = self.sheet.node("Transpose", [k], f"{at}.Across", {"perm": [0, 2, 1]})
        return self.sheet.node("MatMul", [q, across], f"{at}.Scores")

    def mixed(self, shares: str, v: str, at: str) -> str:
        """The values by their shares, [heads, n, hidden / heads]."""
        return self.sheet.node("MatMul", [shares, v], f"{at}.Mix")

    def gelu(self, x: str, at: str) -> str:
        """GELU by the error function (arXiv 1606.08415)."""
        return self.sheet.node("Gelu", [x], f"{at}.Gelu")

    def unit(self, x: str) -> str:
        """x [1, hidden] of length 1."""
        return self.sheet.node("LpNormalization", [x], "unit", {"axis": -1, "p": 2})

    def _hidden(self, real: str) -> str:
        """What is added to scores [n]: 0 before padding."""
        sheet = self.sheet
        less = sheet.node("Sub", [real, sheet.constant("one", np.array(1, np.float32))], "mask/Sub")
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
        out = self.product(self._attended(x, hidden, at), f"{at}.attention")
        x = self._joined(out, x, f"{at}.attention_norm")
        active = self.gelu(self.product(x, f"{at}.inner"), at)
        return self._joined(self.product(active, f"{at}.outer"), x, f"{at}.outer_norm")

    def _attended(self, x: str, hidden: str, at: str) -> str:
        sheet, e = self.sheet, self.e
        qkv = self.product(x, f"{at}.qkv")
        sizes = sheet.constant("qkv_sizes", np.array([e.hidden] * 3, np.int64))
        parts = [f"{at}.{part}" for part in ("query", "key", "value")]
        sheet.node("Split", [qkv, sizes], f"{at}.Split", {"axis": -1}, parts)
        q, k, v = (self._heads(part) for part in parts)
        scale = sheet.constant("scale", np.array(1 / math.sqrt(e.hidden // e.heads), np.float32))
        scores = sheet.node("Mul", [self.scores(q, k, at), scale], f"{at}.Scale")
        masked = sheet.node("Add", [scores, hidden], f"{at}.Mask")
        shares = sheet.node("Softmax", [masked], f"{at}.Softmax", {"axis": -1})
        mixed = self.mixed(shares, v, at)
        rows = sheet.node("Transpose", [mixed], f"{at}.Rows", {"perm": [1, 0, 2]})
        return self._reshaped(rows, [-1, e.hidden])

    def _heads(self, x: str) -> str:
        """x as [heads, n, hidden / heads]."""
        split = self._reshaped(x, [-1, self.e.heads, self.e.hidden // self.e.heads])
        return self.sheet.node("Transpose", [split], f"{x}/Heads", {"perm": [1, 0, 2]})

    def _joined(self, branch: str, x: str, norm: str) -> str:
        return self._norm(self.sheet.node("Add", [branch, x], f"{norm}/Add"), norm)

    def _mean(self, x: str, real: str) -> str:
        sheet = self.sheet
        axis = sheet.constant("axis.0", np.array([0], np.int64))
        last = sheet.constant("axis.last", np.array([-1], np.int64))
        column = sheet.node("Unsqueeze", [real, last], "mask/Unsqueeze")
        kept = sheet.node("Mul", [x, column], "mean/Mul")
        total = sheet.node("ReduceSum", [kept, axis], "mean/Sum", {"keepdims": 1})
        count = sheet.node("ReduceSum", [column, axis], "mean/Count", {"keepdims": 1})
        return sheet.node("Div", [total, count], "mean/Div")

    def _first(self, x: str) -> str:
        first = self.sheet.constant("first", np.array([0], np.int32))
        return self.sheet.node("Gather", [x, first], "cls/Gather", {"axis": 0})

    def _reshaped(self, x: str, shape: Sequence[int]) -> str:
        name = "shape." + "x".join(map(str, shape))
        sizes = self.sheet.constant(name, np.array(shape, np.int64))
        return self.sheet.node("Reshape", [x, sizes], f"{x}/Reshape")
