"""What a product of one row costs on this machine, measured for a shape and a layout.

Weights are many copies, larger together than any cache, as a decoder's are: what is timed is
reading them too.
"""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ondol import registry
from ondol.plan import Plan, usable_cores
from ondol_converters.budget.scratch import scratch_bundle
from ondol_converters.graph.drawing import Drawing
from ondol_converters.graph.weights import Matrix, WeightsFile
from ondol_converters.recipe import Layout

TOTAL_BYTES = 192 << 20  # of all copies: several times a large last-level cache
MOST_COPIES = 64
RUNS = 15


@dataclass(frozen=True, slots=True)
class Shape:
    """A matrix' rows and columns."""

    rows: int
    columns: int


def seconds(shape: Shape, layout: Layout, folder: Path) -> float:
    """The median time of one product [1, columns] x [columns, rows], in seconds.

    Args:
        shape: of the matrix.
        layout: its bits and block; the columns are whole blocks.
        folder: where to put some hundred MB for a moment.
    """
    blocks = shape.columns // layout.block
    size = shape.rows * blocks * (layout.block * layout.bits // 8 + 4)
    copies = max(2, min(MOST_COPIES, TOTAL_BYTES // size + 1))
    with tempfile.TemporaryDirectory(dir=folder) as place:
        where = Path(place)
        sheet = Drawing("weights.bin")
        x = sheet.input("x", "float32", ["batch", "sequence", shape.columns])
        with WeightsFile(where / "weights.bin") as file:
            for number, matrix in enumerate(_copies(file, shape, layout, copies)):
                sheet.matmul(x, matrix, f"m{number}", f"y{number}")
                sheet.output(f"y{number}", "float32", ["batch", "sequence", shape.rows])
            file.finish()
        bundle = scratch_bundle(where, {"model.onnx": sheet.model("products", "0")}, "weights.bin")
        plan = Plan(1, usable_cores(), True)
        row = np.random.default_rng(0).standard_normal((1, 1, shape.columns)).astype(np.float32)
        with registry.runtime("cpu").open_graph(bundle, plan) as session:
            session.run({"x": row})
            times = []
            for _ in range(RUNS):
                start = time.perf_counter()
                session.run({"x": row})
                times.append(time.perf_counter() - start)
    return statistics.median(times) / copies


def _copies(file: WeightsFile, shape: Shape, layout: Layout, copies: int) -> Sequence[Matrix]:
    blocks, random = shape.columns // layout.block, np.random.default_rng(0)
    width = layout.block * layout.bits // 8
    quants = random.integers(0, 256, (shape.rows, blocks, width), dtype=np.uint8)
    scales = random.random((shape.rows, blocks), np.float32) / 1000
    made = []
    for number in range(copies):
        stored = file.add(f"q{number}", "uint8", quants.shape, [quants])
        steps = file.add(f"s{number}", "float32", scales.shape, [scales])
        made.append(
            Matrix(shape.rows, shape.columns, layout.bits, layout.block, stored, steps, None)
        )
    return made
