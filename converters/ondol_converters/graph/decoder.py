"""The decoder graph, drawn once for every family from its description.

Inputs and outputs are named as onnxruntime-genai names them, so that it can open the graph too:

    input_ids [1, n] int64, attention_mask [1, past + n] int64,
    past_key_values.{i}.key/value [1, kv_heads, context, head_dim] float32
      → logits [1, m, vocabulary] float32, present.{i}.key/value (same shape as the past)

`logits_from` is an initializer that a caller may override: the first position whose logits are
wanted, counted from the end when negative. It is 0, every position, when not given: that is what
onnxruntime-genai expects, and Ondol's own devices always say -1 or 0.
The batch is 1; it has a name so that nothing is folded that should wait for its input.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.attention import attend, turns_apart
from ondol_converters.graph.drawing import MICROSOFT, Attribute, Drawing
from ondol_converters.graph.mlp import feed_forward
from ondol_converters.graph.weights import Matrix, Stored
from ondol_converters.quantise.cache import CacheScales

NORMS = {
    "rms": ("SimplifiedLayerNormalization", f"{MICROSOFT}::SkipSimplifiedLayerNormalization"),
    "layer": ("LayerNormalization", f"{MICROSOFT}::SkipLayerNormalization"),
}
"""The operators of a kind of norm: alone, and fused with the sum that it norms."""


LOOKED_UP = "embedding_scale"
"""Of `vectors`: what rows of the embedding are multiplied by, instead of the decoder's number."""


@dataclass(frozen=True, slots=True)
class DecoderWeights:
    """Everything a decoder graph refers to.

    `matrices` are by our names: "embedding", "positions", "layers.0.qkv", "layers.0.o",
    "layers.0.gate_up" (or "layers.0.up"), "layers.0.down". `head` is the output matrix in runs of
    rows, which a runtime can prepare one after the other instead of holding two copies of it all.
    `vectors` are norms' weights and biases by our names. `ropes` are the cosine and sine tables of
    each rope. `cache` are the scales of each layer's keys and values where the cache is int8;
    where it is float32 there are none.
    """

    matrices: Mapping[str, Matrix]
    head: tuple[Matrix, ...]
    vectors: Mapping[str, NDArray[np.float32]]
    ropes: tuple[tuple[Stored, Stored], ...]
    cache: tuple[CacheScales, ...] = ()


def draw(
    decoder: Decoder, weights: DecoderWeights, weights_file: str, version: str
) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The ONNX model of a decoder, and the operators it uses."""
    pen = DecoderPen(decoder, weights, Drawing(weights_file))
    pen.draw_head(pen.draw_layers())
    return pen.sheet.model(decoder.model_type, version), pen.sheet.operators()


@dataclass(frozen=True, slots=True)
class Lengths:
    """What a layer must know of the mask, as names of values.

    `last` position int32 [1] and `total` length int32 (scalar) are what GroupQueryAttention
    wants. `new` and `before`, int64 [1], count the new positions and those that the cache holds.
    """

    last: str
    total: str
    new: str
    before: str


class DecoderPen:
    """Draws a decoder; `x` is always the residual stream [1, n, hidden]."""

    def __init__(self, decoder: Decoder, weights: DecoderWeights, sheet: Drawing) -> None:
        self.d = decoder
        self.w = weights
        self.sheet = sheet

    def draw_layers(self) -> str:
        """Everything up to the final norm, whose output [1, n, hidden] it names."""
        lengths, x, normed = self.draw_start()
        for i in range(len(self.d.layers)):
            x, normed = self.draw_layer(i, x, normed, lengths)
        return normed

    def draw_start(self) -> tuple[Lengths, str, str]:
        """Inputs and embedding: what layers need of the mask, x, and what the first one reads."""
        d, sheet = self.d, self.sheet
        ids = sheet.input("input_ids", "int64", ["batch", "sequence"])
        lengths = self.draw_mask(ids)
        x = sheet.rows(ids, self.w.matrices["embedding"], "embedding")
        x = self.scaled(x, self.w.vectors.get(LOOKED_UP, d.embedding_scale), "embedding")
        if d.learned_positions:
            rows = sheet.rows(self._positions(lengths), self.w.matrices["positions"], "positions")
            x = sheet.node("Add", [x, rows], "positions/Add")
        return lengths, x, self.norm(x, "layers.0.attention_norm") if d.pre_norms else x

    def draw_layer(self, i: int, x: str, normed: str, lengths: Lengths) -> tuple[str, str]:
        """One layer: the new x, and what the following one (or the head) reads of it."""
        d, at = self.d, f"layers.{i}"
        last = i + 1 == len(d.layers)
        following = "final_norm" if last else f"layers.{i + 1}.attention_norm"
        attended = self.product(attend(self, normed, i, lengths), f"{at}.o")
        if d.parallel:
            read = normed if d.shared_norm else self.norm(x, f"{at}.mlp_norm")
            both = self.sheet.node("Add", [attended, feed_forward(self, read, i)], f"{at}/Add")
            return self._join(both, x, f"{at}.post_mlp_norm", following)
        x, normed = self._join(attended, x, f"{at}.post_attention_norm", f"{at}.mlp_norm")
        return self._join(feed_forward(self, normed, i), x, f"{at}.post_mlp_norm", following)

    def draw_mask(self, x: str) -> Lengths:
        """What layers need of the mask; `x` [1, n, ..] are the new positions."""
        sheet = self.sheet
        mask = sheet.input("attention_mask", "int64", ["batch", "total"])
        one = sheet.constant("one", np.array([1], np.int64))
        total = sheet.node("ReduceSum", [mask, one], "mask/ReduceSum", {"keepdims": 0})
        less = sheet.node("Sub", [total, one], "mask/Sub")
        last = sheet.node("Cast", [less], "mask/last", {"to": onnx.TensorProto.INT32})
        shape = sheet.node("Shape", [mask], "mask/Shape", {"start": 1})
        squeezed = sheet.node("Squeeze", [shape], "mask/Squeeze")
        length = sheet.node("Cast", [squeezed], "mask/total", {"to": onnx.TensorProto.INT32})
        new = before = ""
        if self.d.learned_positions or turns_apart(self.d):
            new = sheet.node("Shape", [x], "new/Shape", {"start": 1, "end": 2})
            before = sheet.node("Sub", [shape, new], "before/Sub")
        return Lengths(last, length, new, before)

    def draw_head(self, normed: str) -> None:
        """Logits of the positions from `logits_from` on."""
        sheet = self.sheet
        start = sheet.constant("logits_from", np.zeros(1, np.int64))
        sheet.input("logits_from", "int64", [1])
        end = sheet.constant("logits_to", np.array([np.iinfo(np.int64).max], np.int64))
        axis = sheet.constant("one", np.array([1], np.int64))
        last = sheet.node("Slice", [normed, start, end, axis], "head/Slice")
        last = self.scaled(last, self.d.logit_scale, "head")
        parts = [sheet.matmul(last, part, f"head.{n}") for n, part in enumerate(self.w.head)]
        sheet.node("Concat", parts, "head/Concat", {"axis": -1}, ["logits"])
        sheet.output("logits", "float32", ["batch", "wanted", self.d.vocabulary])

    def product(self, x: str, name: str) -> str:
        """x times a weight matrix by our name."""
        return self.sheet.matmul(x, self.w.matrices[name], name)

    def scaled(self, x: str, factor: float | NDArray[np.float32], name: str) -> str:
        """x times a number, or each column times its own; x itself where that is the number 1."""
        if isinstance(factor, float) and factor == 1.0:
            return x
        scale = self.sheet.constant(f"{name}/scale", np.array(factor, np.float32))
        return self.sheet.node("Mul", [x, scale], f"{name}/Mul")

    def norm(self, x: str, name: str, kind: str = "") -> str:
        """x normed by the weights of our name, in the decoder's kind of norm or another."""
        alone, _ = NORMS[kind or self.d.norm]
        inputs = [x, *self._norm_weights(name)]
        said: dict[str, Attribute] = {"epsilon": self.d.norm_epsilon, "axis": -1}
        return self.sheet.node(alone, inputs, f"{name}/Norm", said)

    def _norm_weights(self, name: str) -> list[str]:
        names = [n for n in (name, f"{name}_bias") if n in self.w.vectors]
        return [self.sheet.constant(n, self.w.vectors[n]) for n in names]

    def _join(self, branch: str, x: str, post: str, following: str) -> tuple[str, str]:
        """Add a branch to the residual stream; the new stream, and what reads it next."""
        d = self.d
        if d.post_norms:
            branch = self.norm(branch, post)
        branch = self.scaled(branch, d.residual_scale, post)
        if following not in self.w.vectors:
            x = self.sheet.node("Add", [branch, x], f"{post}/Add")
            return x, x
        _, fused = NORMS[d.norm]
        name = f"{following}/SkipNorm"
        outputs = [f"{name}/normed", "", "", f"{name}/sum"]
        inputs = [branch, x, *self._norm_weights(following)]
        normed = self.sheet.node(fused, inputs, name, {"epsilon": d.norm_epsilon}, outputs)
        return f"{name}/sum", normed

    def _positions(self, lengths: Lengths) -> str:
        """The numbers of the new positions, int64 [n]."""
        sheet = self.sheet
        count = sheet.node("Squeeze", [lengths.new], "positions/Squeeze")
        start = sheet.constant("zero", np.array(0, np.int64))
        step = sheet.constant("step", np.array(1, np.int64))
        # Added, not begun from: onnxruntime makes a broken Slice of a Range that indexes a Gather
        steps = sheet.node("Range", [start, count, step], "positions/Range")
        return sheet.node("Add", [steps, lengths.before], "positions/before")
