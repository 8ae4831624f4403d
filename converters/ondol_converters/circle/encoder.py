"""An embedder for onert: one text, in operators that circle has.

    input_ids int32 [n], numbers int32 [n] of the positions, mask float32 [n], 1 before padding
      → embedding float32 [1, hidden], of length 1 where it is normalised

Nothing inside depends on n: a runtime resizes the inputs before it prepares the graph.
"""

import numpy as np
import onnx

from ondol_converters.graph.drawing import MICROSOFT, Drawing
from ondol_converters.graph.encoder import Encoder, EncoderWeights
from ondol_converters.graph.static_encoder import StaticEncoderPen

DECLARED = 16
"""The n that the file declares."""
LEAST = 1e-12  # of a length that is divided by


def draw_circle(
    encoder: Encoder, weights: EncoderWeights, weights_file: str, version: str
) -> onnx.ModelProto:
    """The ONNX model to be translated."""
    return _CirclePen(encoder, weights, Drawing(weights_file), DECLARED).model(version)


class _CirclePen(StaticEncoderPen):
    """Draws what `translation` has rules for; matrices stay in their blocks."""

    def words(self) -> str:
        ids = self.sheet.input("input_ids", "int32", [self.n])
        return self.sheet.rows(ids, self.w.matrices["words"], "words")

    def places(self) -> str:
        numbers = self.sheet.input("numbers", "int32", [self.n])
        table = self.sheet.stored(self.w.positions)
        return self.sheet.node("Gather", [table, numbers], "positions/Gather", {"axis": 0})

    def real(self) -> str:
        return self.sheet.input("mask", "float32", [self.n])

    def product(self, x: str, name: str) -> str:
        return self.sheet.matmul(x, self.w.matrices[name], name)

    def scores(self, q: str, k: str, at: str) -> str:
        return self.sheet.node(f"{MICROSOFT}::FusedMatMul", [q, k], f"{at}.Scores", {"transB": 1})

    def mixed(self, shares: str, v: str, at: str) -> str:
        return self.sheet.node(f"{MICROSOFT}::FusedMatMul", [shares, v], f"{at}.Mix")

    def gelu(self, x: str, at: str) -> str:
        return self.sheet.node(f"{MICROSOFT}::Gelu", [x], f"{at}.Gelu")

    def unit(self, x: str) -> str:
        sheet = self.sheet
        last = sheet.constant("axis.last", np.array([-1], np.int64))
        square = sheet.node("Mul", [x, x], "unit/Square")
        total = sheet.node("ReduceSum", [square, last], "unit/Sum", {"keepdims": 1})
        least = sheet.constant("least", np.array(LEAST, np.float32))
        length = sheet.node("Sqrt", [sheet.node("Add", [total, least], "unit/Least")], "unit/Sqrt")
        return sheet.node("Div", [x, length], "unit/Div")
