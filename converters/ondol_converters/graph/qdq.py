"""A static graph whose matrix products are quantised: QDQ pairs around them, int8 weights.

Ranges are those that a measuring graph shows on calibration text. Weights have a scale for each
row, activations one for each place, and a bias is int32 on the product of both, as
onnxruntime.quantization does it; but weights are read a few rows at a time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.decoder import DecoderWeights
from ondol_converters.graph.rows import draw_rows, rounded
from ondol_converters.graph.static import StaticPen
from ondol_converters.graph.weights import Matrix, Stored, WeightsFile

LEAST, MOST = "least/", "most/"
"""What the outputs of a measuring graph begin with; the name of the place follows."""

STEPS: "Mapping[str, np.dtype[np.unsignedinteger[Any]]]" = {
    "a16w8": np.dtype(np.uint16),
    "a8w8": np.dtype(np.uint8),
}
"""The type of activations by the name of the scheme."""

BIAS_MOST = float(1 << 30)
CHUNK_ELEMENTS = 1 << 21

Ranges = Mapping[str, tuple[float, float]]
"""The least and the most that was seen at a place."""


class MeasuringPen(StaticPen):
    """Gives the least and the most of every place as outputs, float32 scalars."""

    def seen(self, value: str, place: str, output: str = "") -> str:
        """The value itself; its range goes out of the graph."""
        for start, op in ((LEAST, "ReduceMin"), (MOST, "ReduceMax")):
            name = f"{start}{place}"
            self.sheet.node(op, [value], name, {"keepdims": 0}, [name])
            self.sheet.output(name, "float32", [])
        return super().seen(value, place, output)


@dataclass(frozen=True, slots=True)
class Int8Matrix:
    """A matrix as int8 [rows, columns] in a weights file.

    `steps` are what a step of each row is worth, float32 [rows]: stored as `scales`.
    """

    quants: Stored
    scales: Stored
    steps: NDArray[np.float32]


def int8_matrix(source: Path, matrix: Matrix, name: str, file: WeightsFile) -> Int8Matrix:
    """Round a float32 matrix of one weights file into another."""
    shape = (matrix.rows, matrix.columns)
    values: NDArray[np.float32] = np.memmap(source, np.float32, "r", matrix.quants.offset, shape)
    steps = np.empty(matrix.rows, np.float32)

    def runs() -> Iterator[NDArray[np.int8]]:
        count = max(1, CHUNK_ELEMENTS // matrix.columns)
        for start in range(0, matrix.rows, count):
            found, steps[start : start + count] = rounded(values[start : start + count])
            yield found

    quants = file.add(f"{name}/int8", "int8", shape, runs())
    scales = file.add(f"{name}/steps", "float32", (matrix.rows,), [steps])
    return Int8Matrix(quants, scales, steps)


class QuantisedPen(StaticPen):
    """Draws QDQ pairs; `matrices` are by the names of the products, and "embedding"."""

    def __init__(
        self,
        d: Decoder,
        w: DecoderWeights,
        file: str,
        n: int,
        context: int,
        matrices: Mapping[str, Int8Matrix],
        ranges: Ranges,
        activations: str,
    ) -> None:
        super().__init__(d, w, file, n, context)
        self._matrices, self._ranges, self._type = matrices, ranges, STEPS[activations]

    def seen(self, value: str, place: str, output: str = "") -> str:
        """The value rounded to the steps of its place."""
        step, zero = self._steps(place)
        scales = [
            self.sheet.constant(f"{place}/step", np.array(step, np.float32)),
            self.sheet.constant(f"{place}/zero", np.array(zero, self._type)),
        ]
        quants = self.sheet.node("QuantizeLinear", [value, *scales], f"{place}/Quantize")
        outputs = [output] if output else []
        return self.sheet.node(
            "DequantizeLinear", [quants, *scales], f"{place}/Dequantize", None, outputs
        )

    def weights(self, matrix: Matrix, name: str) -> list[str]:
        """A matrix from its integers, and its bias from integers too."""
        own, sheet = self._matrices[name], self.sheet
        pair = [sheet.stored(own.quants), sheet.stored(own.scales)]
        found = [sheet.node("DequantizeLinear", pair, f"{name}/Dequantize", {"axis": 0})]
        if matrix.bias is not None:
            step, _ = self._steps(f"{name}/in")
            fine = np.maximum(own.steps * step, np.abs(matrix.bias) / np.float32(BIAS_MOST))
            pair = [
                sheet.constant(f"{name}/bias/int32", np.rint(matrix.bias / fine).astype(np.int32)),
                sheet.constant(f"{name}/bias/steps", fine.astype(np.float32)),
            ]
            found.append(
                sheet.node("DequantizeLinear", pair, f"{name}/bias/Dequantize", {"axis": 0})
            )
        return found

    def rows(self, ids: str, name: str) -> str:
        """A matrix's rows from its integers."""
        own, sheet = self._matrices[name], self.sheet
        # A tensor of its own on the same bytes: HTP takes a tied one in one meaning only
        table = sheet.stored(own.quants.seen_as(f"{name}/int8/rows", own.quants.shape))
        steps = sheet.stored(own.scales.seen_as(f"{name}/scales", (len(own.steps), 1)))
        return draw_rows(sheet, table, steps, ids, name)

    def _steps(self, place: str) -> tuple[float, int]:
        """What a step is worth at a place, and which of them is zero."""
        least, most = self._ranges[place]
        least, most = min(least, 0.0), max(most, 0.0)
        top = (1 << 8 * self._type.itemsize) - 1
        step = float(np.float32((most - least) / top)) or 1.0
        return step, min(max(round(-least / step), 0), top)
