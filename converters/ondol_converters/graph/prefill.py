"""The prefill graph: the decoder's own weights and cache, float32 arithmetic, no logits.

On processors without 8-bit dot products, `MatMulNBits` on many rows is slower than expanding a
matrix and multiplying in float32. The graph expands with `GatherBlockQuantized`, the fastest
expansion that ONNX Runtime has, and ends where the last layer's keys and values are known: the
prompt's last token then runs through the decoder graph, which gives the logits.
"""

import numpy as np
import onnx

from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.decoder import DecoderPen, DecoderWeights
from ondol_converters.graph.drawing import MICROSOFT, Drawing


def draw_prefill(
    decoder: Decoder, weights: DecoderWeights, weights_file: str, version: str
) -> tuple[onnx.ModelProto, tuple[str, ...]]:
    """The ONNX model that fills a decoder's cache, and the operators it uses.

    Inputs and cache are those of the decoder graph; the filled cache is all it gives.
    """
    pen = _PrefillPen(decoder, weights, Drawing(weights_file))
    lengths, x, normed = pen.draw_start()
    last = len(decoder.layers) - 1
    for i in range(last):
        x, normed = pen.draw_layer(i, x, normed, lengths)
    pen.attend(normed, last, lengths)
    return pen.sheet.model(f"{decoder.model_type} prefill", version), pen.sheet.operators()


class _PrefillPen(DecoderPen):
    """Multiplies by expanded matrices."""

    def product(self, x: str, name: str) -> str:
        """x times a weight matrix, expanded to float32 on the way."""
        matrix, sheet = self.w.matrices[name], self.sheet
        if matrix.scales is None:
            return sheet.matmul(x, matrix, name)
        every = sheet.constant(f"rows.{matrix.rows}", np.arange(matrix.rows, dtype=np.int64))
        # As an input with a default it is no constant, so nobody folds the expansion at load
        sheet.input(every, "int64", [matrix.rows])
        expanded = sheet.rows(every, matrix, name)
        op = f"{MICROSOFT}::FusedMatMul"
        out = sheet.node(op, [x, expanded], f"{name}/MatMul", {"transB": 1})
        if matrix.bias is None:
            return out
        return sheet.node("Add", [out, sheet.constant(f"{name}/bias", matrix.bias)], f"{name}/Add")
