"""The decoder as a graph of fixed shapes in plain ONNX, for neural processors.

No operator is outside the default domain, and every shape is known:

    input_ids int32 [n], positions int32 [n], mask float32 [n, context + n], mask.{window} likewise,
    past_key_values.{i}.key/value float32 [kv_heads, context, head_dim]
      → logits float32 [n, vocabulary], new.{i}.key/value float32 [kv_heads, n, head_dim]

The cache has the same shape whatever n is; the new keys and values are the caller's to put into
it. Attention sees the cache first, then the new positions; `mask` is added to its scores: 0 where
a position may look, HIDDEN elsewhere. Layers with a sliding window have a mask of their own.
Nothing inside depends on n: a graph for another n has the same nodes.
"""

import math
from collections.abc import Sequence

import numpy as np
import onnx

from ondol.errors import OptionError
from ondol.language import say
from ondol.static_cache import mask_name
from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.decoder import DecoderWeights
from ondol_converters.graph.drawing import Attribute, Drawing
from ondol_converters.graph.pruning import prune
from ondol_converters.graph.static_rope import turned
from ondol_converters.graph.weights import Matrix, joined

OPSET = 23  # the first with RMSNormalization
NORMS = {"rms": "RMSNormalization", "layer": "LayerNormalization"}
TANH_SCALE = math.sqrt(2 / math.pi)
CUBIC = 0.044715


def no_static(model_type: str, reason: str) -> OptionError:
    """The error for a model that has no graph of fixed shapes, and what in it is not drawn."""
    return OptionError(
        say(
            f"A {model_type} cannot be drawn with fixed shapes yet.",
            f"{model_type} 구조는 아직 고정된 모양으로 그릴 수 없습니다.",
        ),
        say(f"It has {reason}.", f"이 구조의 특징: {reason}"),
        "--target cpu",
    )


class StaticPen:
    """Draws in float32; `x` is always the residual stream [n, hidden].

    Around every matrix product `seen` is handed what goes in and comes out, under the name of
    the place: what quantises or measures overrides it, and the two below it.
    """

    def __init__(self, d: Decoder, w: DecoderWeights, file: str, n: int, context: int) -> None:
        """Args: weights, all matrices in float32 in `file`; n tokens; positions of the cache."""
        self.d, self.w, self.n, self.context = d, w, n, context
        self.sheet = Drawing(file)

    def model(self, version: str, logits: bool = True) -> onnx.ModelProto:
        """The whole model; without logits, all that only they need is left out."""
        self._draw(logits)
        model = self.sheet.model(f"{self.d.model_type} static", version)
        del model.opset_import[1:]  # nothing of com.microsoft is here
        model.opset_import[0].version = OPSET
        prune(model)
        return model

    def seen(self, value: str, place: str, output: str = "") -> str:
        """What stands for a value from here on, under the name `output` if that is said."""
        if not output:
            return value
        self.sheet.rename(value, output)
        return output

    def weights(self, matrix: Matrix, name: str) -> list[str]:
        """A matrix [rows, columns] and its bias, if it has one, as values."""
        bias = [] if matrix.bias is None else [self.sheet.constant(f"{name}/bias", matrix.bias)]
        return [self.sheet.stored(matrix.quants), *bias]

    def rows(self, ids: str, name: str) -> str:
        """The rows of a matrix by our name: embedding or positions."""
        table = self.w.matrices[name].quants
        own = self.sheet.stored(table.seen_as(f"{name}/table", table.shape))
        return self.sheet.node("Gather", [own, ids], f"{name}/Gather", {"axis": 0})

    def _draw(self, logits: bool) -> None:
        d, sheet = self.d, self.sheet
        ids = sheet.input("input_ids", "int32", [self.n])
        positions = sheet.input("positions", "int32", [self.n])
        turns = [self._turns(j, positions) for j in range(len(d.ropes))]
        x = self._times(self.rows(ids, "embedding"), d.embedding_scale, "embedding")
        if d.learned_positions:
            x = sheet.node("Add", [x, self.rows(positions, "positions")], "positions/Add")
        for i, layer in enumerate(d.layers):
            at = f"layers.{i}"
            read = self._norm(x, f"{at}.attention_norm")
            turn = None if layer.rope is None else turns[layer.rope]
            q, keys, values = self._projected(read, i, turn)
            if not logits and i + 1 == len(d.layers):
                return  # the cache is all that is wanted
            branch = self._product(self._attended(q, keys, values, i), f"{at}.o")
            if d.parallel:
                read = read if d.shared_norm else self._norm(x, f"{at}.mlp_norm")
                branch = sheet.node("Add", [branch, self._mlp(read, i)], f"{at}/Both")
                x = self._added(branch, x, f"{at}.post_mlp_norm")
                continue
            x = self._added(branch, x, f"{at}.post_attention_norm")
            branch = self._mlp(self._norm(x, f"{at}.mlp_norm"), i)
            x = self._added(branch, x, f"{at}.post_mlp_norm")
        self._head(x)

    def _head(self, x: str) -> None:
        """Logits of every new position."""
        d = self.d
        x = self._times(self._norm(x, "final_norm"), d.logit_scale, "head")
        self._gemm(x, joined(self.w.head), "head", "logits")
        self.sheet.output("logits", "float32", [self.n, d.vocabulary])

    def _turns(self, j: int, positions: str) -> list[str]:
        """Cosines and sines of the positions, each [n, 1, turned / 2]."""
        sheet, axis = self.sheet, self.sheet.constant("axis.1", np.array([1], np.int64))
        rows = [
            sheet.node("Gather", [sheet.stored(table), positions], f"rope.{j}.{k}/Gather")
            for k, table in enumerate(self.w.ropes[j])
        ]
        return [
            sheet.node("Unsqueeze", [row, axis], f"rope.{j}.{k}/Unsqueeze")
            for k, row in enumerate(rows)
        ]

    def _added(self, branch: str, x: str, post: str) -> str:
        branch = self._times(self._norm(branch, post), self.d.residual_scale, post)
        return self.sheet.node("Add", [branch, x], f"{post}/Residual")

    def _norm(self, x: str, name: str, kind: str = "") -> str:
        """The decoder's norm, or of another kind; x itself where there is no such norm.

        One operator, for a square overflows float16 when it is drawn as a product.
        """
        names = [each for each in (name, f"{name}_bias") if each in self.w.vectors]
        if not names:
            return x
        weights = [self.sheet.constant(each, self.w.vectors[each]) for each in names]
        said: dict[str, Attribute] = {"axis": -1, "epsilon": self.d.norm_epsilon}
        return self.sheet.node(NORMS[kind or self.d.norm], [x, *weights], f"{name}/Norm", said)

    def _norm_heads(self, x: str, name: str) -> str:
        """The norm of each head of x [n, heads * head_dim], as rows [n * heads, head_dim].

        HTP's RmsNorm is wrong in silence on three axes of which the last has 32 or fewer.
        """
        return self._norm(self._reshaped(x, [-1, self.d.head_dim]), name, "rms")

    def _times(self, x: str, factor: float, name: str) -> str:
        if factor == 1.0:
            return x
        scale = self.sheet.constant(f"{name}/scale", np.array(factor, np.float32))
        return self.sheet.node("Mul", [x, scale], f"{name}/Times")

    def _product(self, x: str, name: str) -> str:
        return self._gemm(x, self.w.matrices[name], name)

    def _gemm(self, x: str, matrix: Matrix, name: str, output: str = "") -> str:
        inputs = [self.seen(x, f"{name}/in"), *self.weights(matrix, name)]
        product = self.sheet.node("Gemm", inputs, f"{name}/Gemm", {"transB": 1})
        return self.seen(product, f"{name}/out", output)

    def _matmul(self, a: str, b: str, name: str) -> str:
        inputs = [self.seen(a, f"{name}/a"), self.seen(b, f"{name}/b")]
        return self.seen(self.sheet.node("MatMul", inputs, name), f"{name}/out")

    def _projected(self, x: str, i: int, turn: Sequence[str] | None) -> tuple[str, str, str]:
        """q [kv_heads, group, n, head_dim]; keys and values with the cache before them."""
        d, sheet, name = self.d, self.sheet, f"layers.{i}.attention"
        shapes = {"q": d.heads, "k": d.kv_heads, "v": d.kv_heads}
        sizes = np.array([count * d.head_dim for count in shapes.values()], np.int64)
        split = [f"{name}/{part}" for part in shapes]
        qkv = self._product(x, f"layers.{i}.qkv")
        sheet.node(
            "Split", [qkv, sheet.constant("sizes", sizes)], f"{name}/Split", {"axis": -1}, split
        )
        if d.qk_norm:
            q, k = (self._norm_heads(part, f"layers.{i}.{part[-1]}_norm") for part in split[:2])
        else:
            q, k = split[:2]
        q, k, v = (
            self._reshaped(part, [-1, count, d.head_dim])
            for part, count in zip((q, k, split[2]), shapes.values(), strict=True)
        )
        if turn is not None:
            q, k = (self._turned(part, turn, f"{name}/{w}") for part, w in ((q, "q"), (k, "k")))
        q, k, v = (
            sheet.node("Transpose", [part], f"{name}/{w}/Heads", {"perm": [1, 0, 2]}, out)
            for part, w, out in (
                (q, "q", []),
                (k, "k", [f"new.{i}.key"]),
                (v, "v", [f"new.{i}.value"]),
            )
        )
        keys, values = (self._cached(new, i, part) for new, part in ((k, "key"), (v, "value")))
        q = self._times(q, d.attention_scale, f"{name}/q")
        return self._reshaped(q, [d.kv_heads, d.heads // d.kv_heads, -1, d.head_dim]), keys, values

    def _attended(self, q: str, keys: str, values: str, i: int) -> str:
        """Attention before its output projection [n, heads * head_dim]; groups share their keys."""
        d, sheet, name = self.d, self.sheet, f"layers.{i}.attention"
        across = sheet.node("Transpose", [keys], f"{name}/Across", {"perm": [0, 1, 3, 2]})
        scores = self._matmul(q, across, f"{name}/Scores")
        masked = sheet.node("Add", [scores, self._mask(i)], f"{name}/Mask")
        shares = sheet.node("Softmax", [masked], f"{name}/Softmax", {"axis": -1})
        mixed = self._matmul(shares, values, f"{name}/Mix")
        together = self._reshaped(mixed, [d.heads, -1, d.head_dim])
        rows = sheet.node("Transpose", [together], f"{name}/Rows", {"perm": [1, 0, 2]})
        return self._reshaped(rows, [-1, d.heads * d.head_dim])

    def _cached(self, new: str, i: int, part: str) -> str:
        """The cache and the new positions behind it, [kv_heads, 1, context + n, head_dim]."""
        d, sheet, name = self.d, self.sheet, f"layers.{i}.attention/{part}"
        shape = [d.kv_heads, self.context, d.head_dim]
        past = sheet.input(f"past_key_values.{i}.{part}", "float32", shape)
        sheet.output(f"new.{i}.{part}", "float32", [d.kv_heads, self.n, d.head_dim])
        both = sheet.node("Concat", [past, new], f"{name}/Concat", {"axis": 1})
        axis = sheet.constant("axis.1", np.array([1], np.int64))
        return sheet.node("Unsqueeze", [both, axis], f"{name}/Unsqueeze")

    def _mask(self, i: int) -> str:
        window = self.d.layers[i].window
        name = mask_name(window)
        return self.sheet.input(name, "float32", [self.n, self.context + self.n])

    def _turned(self, x: str, turn: Sequence[str], name: str) -> str:
        """x [n, heads, head_dim] with its first elements turned by their positions."""
        return turned(self.sheet, self.d, x, turn, name)

    def _mlp(self, x: str, i: int) -> str:
        d, sheet, name = self.d, self.sheet, f"layers.{i}.mlp"
        if not d.gated:
            active = self._active(self._product(x, f"layers.{i}.up"), name)
            return self._product(active, f"layers.{i}.down")
        both = self._product(x, f"layers.{i}.gate_up")
        sizes = sheet.constant("gate_up_sizes", np.array([d.intermediate] * 2, np.int64))
        gate, up = f"{name}/gate", f"{name}/up"
        sheet.node("Split", [both, sizes], f"{name}/Split", {"axis": -1}, [gate, up])
        active = self._active(gate, name)
        return self._product(sheet.node("Mul", [active, up], f"{name}/Gated"), f"layers.{i}.down")

    def _active(self, x: str, name: str) -> str:
        sheet = self.sheet
        if self.d.activation == "silu":
            return sheet.node(
                "Mul", [x, sheet.node("Sigmoid", [x], f"{name}/Sigmoid")], f"{name}/SiLU"
            )
        if self.d.activation == "gelu":
            return sheet.node("Gelu", [x], f"{name}/Gelu")
        # GELU by tanh (arXiv 1606.08415)
        square = sheet.node("Mul", [x, x], f"{name}/Square")
        cubic = self._times(sheet.node("Mul", [square, x], f"{name}/Cube"), CUBIC, f"{name}/cubic")
        inner = sheet.node("Add", [x, cubic], f"{name}/Inner")
        bent = sheet.node("Tanh", [self._times(inner, TANH_SCALE, f"{name}/tanh")], f"{name}/Tanh")
        one = sheet.constant("one", np.array(1, np.float32))
        factor = sheet.node("Add", [bent, one], f"{name}/Lift")
        return self._times(sheet.node("Mul", [x, factor], f"{name}/Gelu"), 0.5, f"{name}/half")

    def _reshaped(self, x: str, shape: list[int]) -> str:
        name = "shape." + "x".join(map(str, shape))
        return self.sheet.node(
            "Reshape", [x, self.sheet.constant(name, np.array(shape, np.int64))], f"{x}/Reshape"
        )
