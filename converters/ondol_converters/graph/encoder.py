"""The graph of a BERT-like embedder: pooling and normalisation are in it.

    input_ids [batch, tokens] int64, attention_mask [batch, tokens] int64, 1 before padding
      → embedding [batch, hidden] float32, of length 1 where it is normalised

Post-norm layers as of arXiv 1810.04805; positions count from 0. Attention and norms are fused
operators of `com.microsoft`, which exist on every build of ONNX Runtime.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from ondol_converters.graph.drawing import MICROSOFT, Drawing
from ondol_converters.graph.weights import Matrix, Stored

EMBEDDING = "embedding"


@dataclass(frozen=True, slots=True)
class Encoder:
    """What a graph must know of an encoder; sizes in elements and tokens.

    `pooling` is mean (of the tokens that are no padding) or cls (the first token).
    """

    layers: int
    hidden: int
    heads: int
    inner: int
    vocabulary: int
    positions: int
    epsilon: float
    pad: int
    pooling: str
    normalised: bool


@dataclass(frozen=True, slots=True)
class EncoderWeights:
    """Everything an encoder graph refers to.

    `matrices` are by our names: "words", "layers.0.qkv", "layers.0.attention",
    "layers.0.inner", "layers.0.outer". `positions` is float32 [positions, hidden], the kind of
    the first text added. `norms` are weight and bias of "norm", "layers.0.attention_norm" and
    "layers.0.outer_norm".
    """

    matrices: Mapping[str, Matrix]
    positions: Stored
    norms: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]]


def draw_encoder(
    encoder: Encoder, weights: EncoderWeights, weights_file: str, version: str
) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The ONNX model of an embedder, and the operators it uses."""
    pen = _Pen(encoder, weights, Drawing(weights_file))
    pen.draw()
    return pen.sheet.model("encoder", version), pen.sheet.operators()


class _Pen:
    """Draws an encoder; `x` is always [batch, tokens, hidden]."""

    def __init__(self, encoder: Encoder, weights: EncoderWeights, sheet: Drawing) -> None:
        self.e = encoder
        self.w = weights
        self.sheet = sheet

    def draw(self) -> None:
        sheet = self.sheet
        ids = sheet.input("input_ids", "int64", ["batch", "tokens"])
        mask = sheet.input("attention_mask", "int64", ["batch", "tokens"])
        padding = sheet.node("Cast", [mask], "mask/Cast", {"to": onnx.TensorProto.INT32})
        x = self._embed(ids)
        for i in range(self.e.layers):
            x = self._layer(i, x, padding)
        pooled = self._mean(x, mask) if self.e.pooling == "mean" else self._first(x)
        if self.e.normalised:
            pooled = sheet.node("LpNormalization", [pooled], "normalised", {"axis": -1, "p": 2})
        sheet.rename(pooled, EMBEDDING)
        sheet.output(EMBEDDING, "float32", ["batch", self.e.hidden])

    def _embed(self, ids: str) -> str:
        sheet = self.sheet
        words = sheet.rows(ids, self.w.matrices["words"], "words")
        tokens = sheet.node("Shape", [ids], "tokens", {"start": 1})
        zero = sheet.constant("zero", np.zeros(1, np.int64))
        table = sheet.stored(self.w.positions)
        places = sheet.node("Slice", [table, zero, tokens], "positions/Slice")
        x = sheet.node("Add", [words, places], "positions/Add")
        gamma, beta = self._norm("norm")
        attributes = {"axis": -1, "epsilon": self.e.epsilon}
        return sheet.node("LayerNormalization", [x, gamma, beta], "norm", attributes)

    def _norm(self, name: str) -> tuple[str, str]:
        weight, bias = self.w.norms[name]
        constant = self.sheet.constant
        return constant(f"{name}.weight", weight), constant(f"{name}.bias", bias)

    def _layer(self, i: int, x: str, padding: str) -> str:
        sheet, e, at = self.sheet, self.e, f"layers.{i}"
        qkv = self._product(x, f"{at}.qkv")
        sizes = sheet.constant("qkv_sizes", np.array([e.hidden] * 3, np.int64))
        parts = [f"{at}.{part}" for part in ("query", "key", "value")]
        sheet.node("Split", [qkv, sizes], f"{at}.Split", {"axis": -1}, parts)
        attended = sheet.node(
            f"{MICROSOFT}::MultiHeadAttention",
            [*parts, "", padding],
            f"{at}.MultiHeadAttention",
            {"num_heads": e.heads},
        )
        out = self._product(attended, f"{at}.attention")
        x = self._join(out, x, f"{at}.attention_norm")
        inner = self._product(x, f"{at}.inner")
        active = sheet.node(f"{MICROSOFT}::Gelu", [inner], f"{at}.Gelu")
        return self._join(self._product(active, f"{at}.outer"), x, f"{at}.outer_norm")

    def _product(self, x: str, name: str) -> str:
        return self.sheet.matmul(x, self.w.matrices[name], name)

    def _join(self, branch: str, x: str, norm: str) -> str:
        inputs = [branch, x, *self._norm(norm)]
        epsilon = {"epsilon": self.e.epsilon}
        return self.sheet.node(f"{MICROSOFT}::SkipLayerNormalization", inputs, norm, epsilon)

    def _mean(self, x: str, mask: str) -> str:
        sheet = self.sheet
        last = sheet.constant("last", np.array([-1], np.int64))
        tokens = sheet.constant("tokens_axis", np.array([1], np.int64))
        real = sheet.node("Cast", [mask], "mask/float", {"to": onnx.TensorProto.FLOAT})
        column = sheet.node("Unsqueeze", [real, last], "mask/Unsqueeze")
        kept = sheet.node("Mul", [x, column], "mean/Mul")
        flat = {"keepdims": 0}
        total = sheet.node("ReduceSum", [kept, tokens], "mean/ReduceSum", flat)
        count = sheet.node("ReduceSum", [column, tokens], "mean/count", flat)
        return sheet.node("Div", [total, count], "mean/Div")

    def _first(self, x: str) -> str:
        first = self.sheet.constant("first", np.array(0, np.int64))
        return self.sheet.node("Gather", [x, first], "cls/Gather", {"axis": 1})
