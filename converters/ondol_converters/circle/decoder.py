"""The decoder for onert: the static graph, with the operators and blocks that circle has.

    input_ids int32 [n], positions int32 [n], wanted int32 [m], mask float32 [n, context + n],
    mask.{window} likewise, past_key_values.{i}.key/value float32 [kv_heads, context, head_dim]
      → logits float32 [m, vocabulary], new.{i}.key/value float32 [kv_heads, n, head_dim]

Logits are those of the `wanted` ones of the n new positions. n, m and the context are declared,
but nothing inside depends on them: a runtime resizes the inputs before it prepares the graph, so
that one file serves a prefill of many tokens, steps of one, and any shorter cache.
"""

from collections.abc import Sequence

import numpy as np

from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.drawing import MICROSOFT
from ondol_converters.graph.static import StaticPen, no_static
from ondol_converters.graph.weights import Matrix, joined


def check_circle(d: Decoder) -> None:
    """Refuse what the graph for onert does not draw.

    Raises:
        OptionError: naming it.
    """
    undrawn = {
        f"norm = {d.norm}": d.norm != "rms",
        "parallel branches": d.parallel,
        "learned positions": d.learned_positions,
        "interleaved rotary pairs": d.rotary_interleaved,
        "an MLP without gate": not d.gated,
        f"activation = {d.activation}": d.activation not in ("silu", "gelu_tanh"),
    }
    found = [name for name, there in undrawn.items() if there]
    if found:
        raise no_static(d.model_type, ", ".join(found))


class CirclePen(StaticPen):
    """Draws what `translation` has rules for; matrices stay in their blocks."""

    def rows(self, ids: str, name: str) -> str:
        """The embedding's rows."""
        return self.sheet.rows(ids, self.w.matrices[name], name)

    def _head(self, x: str) -> None:
        d, sheet = self.d, self.sheet
        wanted = sheet.input("wanted", "int32", [1])
        x = sheet.node("Gather", [x, wanted], "wanted/Gather", {"axis": 0})
        x = self._times(self._norm(x, "final_norm"), d.logit_scale, "head")
        self._gemm(x, joined(self.w.head), "head", "logits")
        sheet.output("logits", "float32", [1, d.vocabulary])

    def _gemm(self, x: str, matrix: Matrix, name: str, output: str = "") -> str:
        return self.sheet.matmul(x, matrix, name, output)

    def _norm(self, x: str, name: str, kind: str = "") -> str:
        if name not in self.w.vectors:
            return x
        gamma = self.sheet.constant(name, self.w.vectors[name])
        said = {"epsilon": self.d.norm_epsilon, "axis": -1}
        return self.sheet.node("SimplifiedLayerNormalization", [x, gamma], f"{name}/Norm", said)

    def _attended(self, q: str, keys: str, values: str, i: int) -> str:
        d, sheet, name = self.d, self.sheet, f"layers.{i}.attention"
        across = {"transB": 1}
        product = f"{MICROSOFT}::FusedMatMul"
        scores = sheet.node(product, [q, keys], f"{name}/Scores", across)
        masked = sheet.node("Add", [scores, self._mask(i)], f"{name}/Mask")
        shares = sheet.node("Softmax", [masked], f"{name}/Softmax", {"axis": -1})
        mixed = sheet.node(product, [shares, values], f"{name}/Mix")
        together = self._reshaped(mixed, [d.heads, -1, d.head_dim])
        rows = sheet.node("Transpose", [together], f"{name}/Rows", {"perm": [1, 0, 2]})
        return self._reshaped(rows, [-1, d.heads * d.head_dim])

    def _turns(self, j: int, positions: str) -> list[str]:
        """Cosines [c, c] and sines [-s, s] of the positions, each [n, 1, turned]."""
        sheet = self.sheet
        cos, sin = super()._turns(j, positions)
        less = sheet.constant("less", np.array(-1, np.float32))
        other = sheet.node("Mul", [sin, less], f"rope.{j}/Less")
        return [
            sheet.node("Concat", parts, f"rope.{j}/{word}", {"axis": -1})
            for word, parts in (("Cosines", [cos, cos]), ("Sines", [other, sin]))
        ]

    def _turned(self, x: str, turn: Sequence[str], name: str) -> str:
        """x · [c, c] + (its halves exchanged) · [-s, s].

        Not circle's ROPE: onert turns every position by the angles of the first one.
        """
        d, sheet = self.d, self.sheet
        rest = []
        if d.turned < d.head_dim:
            sizes = np.array([d.turned, d.head_dim - d.turned], np.int64)
            x, *rest = self._parts(x, sheet.constant("turned_part", sizes), name, "Part")
        sizes = np.array([d.turned // 2] * 2, np.int64)
        left, right = self._parts(x, sheet.constant("turned_halves", sizes), name, "Halves")
        exchanged = sheet.node("Concat", [right, left], f"{name}/Exchanged", {"axis": -1})
        cos, sin = turn
        kept = sheet.node("Mul", [x, cos], f"{name}/Cosine")
        moved = sheet.node("Mul", [exchanged, sin], f"{name}/Sine")
        made = sheet.node("Add", [kept, moved], f"{name}/Turned")
        if not rest:
            return made
        return sheet.node("Concat", [made, *rest], f"{name}/Whole", {"axis": -1})

    def _parts(self, x: str, sizes: str, name: str, word: str) -> list[str]:
        outputs = [f"{name}/{word}.0", f"{name}/{word}.1"]
        self.sheet.node("Split", [x, sizes], f"{name}/{word}", {"axis": -1}, outputs)
        return outputs

    def _active(self, x: str, name: str) -> str:
        if self.d.activation == "silu":
            return super()._active(x, name)
        return self.sheet.node(f"{MICROSOFT}::FastGelu", [x], f"{name}/Gelu")
