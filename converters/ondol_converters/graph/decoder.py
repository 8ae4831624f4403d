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
from ondol_converters.graph.drawing import MICROSOFT, Attribute, Drawing
from ondol_converters.graph.weights import Matrix, Stored
from ondol_converters.quantise.cache import CacheScales

SKIP_NORM = f"{MICROSOFT}::SkipSimplifiedLayerNormalization"
INT8_CACHE: Mapping[str, Attribute] = {
    "k_quant_type": "PER_CHANNEL",
    "v_quant_type": "PER_CHANNEL",
    "kv_cache_bit_width": 8,
}
"""What attention is told of a cache in 8 bits."""


@dataclass(frozen=True, slots=True)
class DecoderWeights:
    """Everything a decoder graph refers to.

    `matrices` are by our names: "embedding", "layers.0.qkv", "layers.0.o", "layers.0.gate_up",
    "layers.0.down". `head` is the output matrix in runs of rows, which a runtime can prepare one
    after the other instead of holding two copies of it all. `vectors` are norm weights by our
    names. `ropes` are the cosine and sine tables of each rope. `cache` are the scales of each
    layer's keys and values where the cache is int8; where it is float32 there are none.
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

    def draw_start(self) -> tuple[tuple[str, str], str, str]:
        """Inputs and embedding: what attention needs of the mask, x, and x normed for layer 0."""
        d, sheet = self.d, self.sheet
        ids = sheet.input("input_ids", "int64", ["batch", "sequence"])
        lengths = self.draw_mask()
        x = sheet.rows(ids, self.w.matrices["embedding"], "embedding")
        if d.embedding_scale != 1.0:
            scale = sheet.constant("embedding/scale", np.array(d.embedding_scale, np.float32))
            x = sheet.node("Mul", [x, scale], "embedding/Mul")
        return lengths, x, self._norm(x, "layers.0.attention_norm")

    def draw_layer(self, i: int, x: str, normed: str, lengths: tuple[str, str]) -> tuple[str, str]:
        """One layer: the new x, and it normed for what follows."""
        attended = self.attend(normed, i, lengths)
        out = self.product(attended, f"layers.{i}.o")
        x, normed = self._join(out, x, f"layers.{i}.post_attention_norm", f"layers.{i}.mlp_norm")
        last = i + 1 == len(self.d.layers)
        following = "final_norm" if last else f"layers.{i + 1}.attention_norm"
        return self._join(self._mlp(normed, i), x, f"layers.{i}.post_mlp_norm", following)

    def product(self, x: str, name: str) -> str:
        """x times a weight matrix by our name."""
        return self.sheet.matmul(x, self.w.matrices[name], name)

    def draw_mask(self) -> tuple[str, str]:
        """What GroupQueryAttention wants of the mask: last position [1], total length (scalar)."""
        sheet = self.sheet
        mask = sheet.input("attention_mask", "int64", ["batch", "total"])
        one = sheet.constant("one", np.array([1], np.int64))
        total = sheet.node("ReduceSum", [mask, one], "mask/ReduceSum", {"keepdims": 0})
        before = sheet.node("Sub", [total, one], "mask/Sub")
        last = sheet.node("Cast", [before], "mask/last", {"to": onnx.TensorProto.INT32})
        shape = sheet.node("Shape", [mask], "mask/Shape", {"start": 1})
        squeezed = sheet.node("Squeeze", [shape], "mask/Squeeze")
        length = sheet.node("Cast", [squeezed], "mask/total", {"to": onnx.TensorProto.INT32})
        return last, length

    def _gamma(self, name: str) -> str:
        return self.sheet.constant(name, self.w.vectors[name])

    def _norm(self, x: str, name: str) -> str:
        epsilon: dict[str, Attribute] = {"epsilon": self.d.norm_epsilon, "axis": -1}
        inputs = [x, self._gamma(name)]
        return self.sheet.node("SimplifiedLayerNormalization", inputs, f"{name}/Norm", epsilon)

    def _join(self, branch: str, x: str, post: str, following: str) -> tuple[str, str]:
        """Add a branch to the residual stream; the new stream, and it normed for what follows."""
        if self.d.post_norms:
            branch = self._norm(branch, post)
        name = f"{following}/SkipNorm"
        outputs = [f"{name}/normed", "", "", f"{name}/sum"]
        inputs = [branch, x, self._gamma(following)]
        normed = self.sheet.node(SKIP_NORM, inputs, name, {"epsilon": self.d.norm_epsilon}, outputs)
        return f"{name}/sum", normed

    def attend(self, x: str, i: int, lengths: tuple[str, str]) -> str:
        """Attention of one layer before its output projection, keeping k and v in the cache."""
        d, sheet, name, layer = self.d, self.sheet, f"layers.{i}.attention", self.d.layers[i]
        qkv = self.product(x, f"layers.{i}.qkv")
        # onnxruntime before 1.31 infers a wrong shape where as many heads have k and v as q
        packed = not d.qk_norm and d.heads != d.kv_heads
        heads = [qkv, "", ""] if packed else self._heads(qkv, i, name)
        held = "int8" if self.w.cache else "float32"
        shape: list[int | str] = ["batch", d.kv_heads, "context", d.head_dim]
        cache = [
            sheet.input(f"past_key_values.{i}.{part}", held, shape) for part in ("key", "value")
        ]
        present = [f"present.{i}.key", f"present.{i}.value"]
        tables = [sheet.stored(t) for t in self.w.ropes[layer.rope]]
        attributes: dict[str, Attribute] = {
            "num_heads": d.heads,
            "kv_num_heads": d.kv_heads,
            "do_rotary": 1,
            "rotary_interleaved": int(d.rotary_interleaved),
            "scale": d.attention_scale,
            "local_window_size": layer.window or -1,
        }
        inputs = [*heads, *cache, *lengths, *tables]
        if self.w.cache:
            scales = self.w.cache[i]
            attributes |= INT8_CACHE
            inputs += ["", "", ""]
            inputs += [sheet.constant(f"{name}/k_scale", scales.key)]
            inputs += [sheet.constant(f"{name}/v_scale", scales.value)]
        attended = sheet.node(
            f"{MICROSOFT}::GroupQueryAttention",
            inputs,
            f"{name}/GroupQueryAttention",
            attributes,
            [f"{name}/attended", *present],
        )
        for part in present:
            sheet.output(part, held, shape)
        return attended

    def _heads(self, qkv: str, i: int, name: str) -> list[str]:
        """q, k and v apart; with an RMSNorm over each head of q and k if the family has one."""
        d, sheet = self.d, self.sheet
        sizes = [d.heads * d.head_dim, d.kv_heads * d.head_dim, d.kv_heads * d.head_dim]
        split = sheet.constant("qkv_sizes", np.array(sizes, np.int64))
        q, k, v = (f"{name}/{part}" for part in "qkv")
        sheet.node("Split", [qkv, split], f"{name}/Split", {"axis": -1}, [q, k, v])
        if not d.qk_norm:
            return [q, k, v]
        per_head = sheet.constant("per_head", np.array([0, 0, -1, d.head_dim], np.int64))
        flat = sheet.constant("flat", np.array([0, 0, -1], np.int64))
        normed = []
        for x, part in ((q, "q_norm"), (k, "k_norm")):
            apart = sheet.node("Reshape", [x, per_head], f"{name}/{part}/Reshape")
            done = self._norm(apart, f"layers.{i}.{part}")
            normed.append(sheet.node("Reshape", [done, flat], f"{name}/{part}/Flatten"))
        return [*normed, v]

    def _mlp(self, x: str, i: int) -> str:
        d, sheet, name = self.d, self.sheet, f"layers.{i}.mlp"
        both = self.product(x, f"layers.{i}.gate_up")
        halves = sheet.constant("gate_up_sizes", np.array([d.intermediate] * 2, np.int64))
        gate, up = f"{name}/gate", f"{name}/up"
        sheet.node("Split", [both, halves], f"{name}/Split", {"axis": -1}, [gate, up])
        if d.activation == "silu":
            active = sheet.node(f"{MICROSOFT}::QuickGelu", [gate], f"{name}/SiLU", {"alpha": 1.0})
        else:
            active = sheet.node(f"{MICROSOFT}::FastGelu", [gate], f"{name}/Gelu")
        product = sheet.node("Mul", [active, up], f"{name}/Mul")
        return self.product(product, f"layers.{i}.down")

    def draw_head(self, normed: str) -> None:
        """Logits of the positions from `logits_from` on."""
        sheet = self.sheet
        start = sheet.constant("logits_from", np.zeros(1, np.int64))
        sheet.input("logits_from", "int64", [1])
        end = sheet.constant("logits_to", np.array([np.iinfo(np.int64).max], np.int64))
        axis = sheet.constant("one", np.array([1], np.int64))
        last = sheet.node("Slice", [normed, start, end, axis], "head/Slice")
        parts = [sheet.matmul(last, part, f"head.{n}") for n, part in enumerate(self.w.head)]
        sheet.node("Concat", parts, "head/Concat", {"axis": -1}, ["logits"])
        sheet.output("logits", "float32", ["batch", "wanted", self.d.vocabulary])
