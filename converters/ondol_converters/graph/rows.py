"""A table of which rows are looked up, in 8 bits with a step for each row, as HTP takes it."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper

from ondol_converters.graph.drawing import Drawing

MOST = 127  # of int8, symmetric


def draw_rows(sheet: Drawing, table: str, steps: str, ids: str, name: str) -> str:
    """The rows that `ids` names, float32.

    Args:
        sheet: where to draw.
        table: int8 [rows, columns].
        steps: what a step of each row is worth, float32 [rows, 1].
        ids: any shape.
        name: what the nodes' names begin with.
    """
    whole = [
        sheet.constant(f"{name}/one", np.array(1, np.float32)),
        sheet.constant(f"{name}/none", np.array(0, np.int8)),
    ]
    # HTP looks up numbers it knows the step of; with steps of 1 nothing is rounded
    known = sheet.node("DequantizeLinear", [table, *whole], f"{name}/Known")
    found = sheet.node("Gather", [known, ids], f"{name}/Gather", {"axis": 0})
    quants = sheet.node("QuantizeLinear", [found, *whole], f"{name}/Quantize")
    rows = sheet.node("DequantizeLinear", [quants, *whole], f"{name}/Dequantize")
    step = sheet.node("Gather", [steps, ids], f"{name}/Step", {"axis": 0})
    return sheet.node("Mul", [rows, step], f"{name}/Rows")


def rounded(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rows [rows, columns] as integers, and what a step of each is worth [rows]."""
    steps: NDArray[np.float32] = np.abs(values).max(axis=1) / np.float32(MOST)
    steps[steps == 0] = 1  # a row of zeros
    return np.rint(values / steps[:, None]).astype(np.int8), steps


def rows_in_int8(model: onnx.ModelProto) -> None:
    """Put every float32 table of a graph, of which rows are looked up, into 8 bits."""
    graph = model.graph
    tables = {t.name: t for t in graph.initializer if t.data_type == TensorProto.FLOAT}
    for node in list(graph.node):
        if node.op_type != "Gather" or node.input[0] not in tables:
            continue
        tensor, at = tables[node.input[0]], list(graph.node).index(node)
        sheet, name = Drawing(""), f"{tensor.name}/rows"
        quants, steps = rounded(numpy_helper.to_array(tensor))
        table = sheet.constant(f"{name}/int8", quants)
        found = draw_rows(
            sheet, table, sheet.constant(f"{name}/steps", steps[:, None]), node.input[1], name
        )
        sheet.rename(found, node.output[0])
        drawn = sheet.model("rows", "").graph
        graph.node.remove(node)
        graph.initializer.remove(tensor)
        graph.initializer.extend(drawn.initializer)
        for step, each in enumerate(drawn.node):
            graph.node.insert(at + step, each)
