"""The prefill stages: the decoder's own weights and cache, float32 arithmetic, no logits.

On processors without 8-bit dot products, `MatMulNBits` on many rows is slower than expanding a
matrix and multiplying in float32. These graphs expand with `GatherBlockQuantized`, the fastest
expansion that ONNX Runtime has, and end where the last layer's keys and values are known: the
prompt's last token then runs through the decoder graph, which gives the logits.

A stage is a few layers, so that a runtime can let go of their weights before the next stage
maps its own. Between stages pass `x` and `normed` (what the next layer reads), float32
[1, n, hidden].
"""

from collections.abc import Iterator

import numpy as np
import onnx

from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.attention import attend
from ondol_converters.graph.decoder import DecoderPen, DecoderWeights
from ondol_converters.graph.drawing import MICROSOFT, Drawing

STAGE_BYTES = 32 << 20  # weights that may be mapped at once
MOST_STAGES = 12  # more bytes to a stage in large models: each is a session to create


def draw_prefill(
    decoder: Decoder, weights: DecoderWeights, weights_file: str, version: str
) -> Iterator[tuple[onnx.ModelProto, tuple[str, ...]]]:
    """The ONNX models that fill a decoder's cache, in order, and the operators each uses.

    None where weights are halves: they are float32 as soon as the decoder has them, and every
    stage would hold a copy of its own.
    """
    if any(matrix.bits == 16 for matrix in weights.matrices.values()):
        return
    last = len(decoder.layers) - 1
    shape: list[int | str] = ["batch", "sequence", decoder.hidden]
    for number, layers in enumerate(_stages(decoder, weights)):
        pen = _PrefillPen(decoder, weights, Drawing(weights_file))
        if number == 0:
            lengths, x, normed = pen.draw_start()
        else:
            x, normed = (pen.sheet.input(name, "float32", shape) for name in ("x_in", "normed_in"))
            lengths = pen.draw_mask(x)
        for i in layers:
            if i == last:
                attend(pen, normed, i, lengths)
            else:
                x, normed = pen.draw_layer(i, x, normed, lengths)
        if last not in layers:
            if normed == x:
                normed = pen.sheet.node("Identity", [x], "normed/Identity")
            for value, name in ((x, "x"), (normed, "normed")):
                pen.sheet.rename(value, name)
                pen.sheet.output(name, "float32", shape)
        yield (
            pen.sheet.model(f"{decoder.model_type} prefill {number}", version),
            pen.sheet.operators(),
        )


def _stages(decoder: Decoder, weights: DecoderWeights) -> list[range]:
    """Runs of layers whose weights stay small together, or single layers.

    The first run is empty, only the lookup of embeddings, which maps much around every row.
    """
    sizes = [
        sum(m.quants.length for n, m in weights.matrices.items() if n.startswith(f"layers.{i}."))
        for i in range(len(decoder.layers))
    ]
    most = max(STAGE_BYTES, sum(sizes) // MOST_STAGES)
    stages, start = [range(0)], 0
    for i in range(1, len(sizes) + 1):
        if i == len(sizes) or sum(sizes[start : i + 1]) > most:
            stages.append(range(start, i))
            start = i
    return stages


class _PrefillPen(DecoderPen):
    """Multiplies by expanded matrices."""

    def product(self, x: str, name: str) -> str:
        """x times a weight matrix, expanded to float32 on the way."""
        matrix, sheet = self.w.matrices[name], self.sheet
        if matrix.scales is None:
            return sheet.matmul(x, matrix, name)
        expanded = sheet.rows(self._every_row(x, matrix.rows, name), matrix, name)
        op = f"{MICROSOFT}::FusedMatMul"
        out = sheet.node(op, [x, expanded], f"{name}/MatMul", {"transB": 1})
        if matrix.bias is None:
            return out
        return sheet.node("Add", [out, sheet.constant(f"{name}/bias", matrix.bias)], f"{name}/Add")

    def _every_row(self, x: str, rows: int, name: str) -> str:
        """0, 1, .. rows - 1, in steps of the batch size, which is 1 but known only at run time.

        So an expansion waits for its x: else all of them would be run first and held together.
        """
        sheet = self.sheet
        batch = sheet.node("Shape", [x], f"{name}/Shape", {"start": 0, "end": 1})
        step = sheet.node("Squeeze", [batch], f"{name}/Squeeze")
        start = sheet.constant("zero", np.array(0, np.int64))
        limit = sheet.constant(f"rows.{rows}", np.array(rows, np.int64))
        return sheet.node("Range", [start, limit, step], f"{name}/Range")
