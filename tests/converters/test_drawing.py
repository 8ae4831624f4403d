"""The sheet that graphs are drawn on, and what is promised of every drawn graph."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from ondol_converters.families.decoder import Rope
from ondol_converters.graph.drawing import IR_VERSION, OPSET, Drawing
from ondol_converters.graph.rope import tables
from ondol_converters.graph.weights import Matrix, Stored
from tiny_models import NAMES, Tiny


def graphs(folder: Path) -> list[onnx.ModelProto]:
    return [onnx.load(path, load_external_data=False) for path in sorted(folder.glob("*.onnx"))]


WIDTHS = {int(onnx.TensorProto.FLOAT): 4, int(onnx.TensorProto.FLOAT16): 2}
"""Bytes of an element where it is more than one."""


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_lies_in_the_weights_file(name: str, tiny: Tiny) -> None:
    bundle = tiny(name)
    size = bundle.file("weights.bin").stat().st_size
    for model in graphs(bundle.path):
        spans = []
        for tensor in model.graph.initializer:
            if tensor.data_location != onnx.TensorProto.EXTERNAL:
                assert len(tensor.raw_data) < 4096, tensor.name
                continue
            where = {entry.key: entry.value for entry in tensor.external_data}
            assert where["location"] == "weights.bin"
            start, length = int(where["offset"]), int(where["length"])
            width = WIDTHS.get(int(tensor.data_type), 1)
            assert start + length <= size and length == np.prod(tensor.dims) * width
            spans.append((start, length))
        assert spans


@pytest.mark.parametrize("name", NAMES)
def test_graphs_name_each_value_once_and_use_what_they_make(name: str, tiny: Tiny) -> None:
    for model in graphs(tiny(name).path):
        graph = model.graph
        made = [out for node in graph.node for out in node.output if out]
        names = [node.name for node in graph.node]
        assert len(set(made)) == len(made) and len(set(names)) == len(names)
        known = {v.name for v in graph.input} | {t.name for t in graph.initializer}
        for node in graph.node:
            assert {name for name in node.input if name} <= known, node.name
            known |= set(node.output)
        assert {v.name for v in graph.output} <= set(made)


@pytest.mark.parametrize("name", NAMES)
def test_the_manifest_lists_the_operators(name: str, tiny: Tiny) -> None:
    bundle = tiny(name)
    used = {
        f"{node.domain}::{node.op_type}" if node.domain else node.op_type
        for model in graphs(bundle.path)
        for node in model.graph.node
    }
    variant = bundle.variant("cpu")
    assert variant is not None and set(variant.needs.operators) == used
    assert variant.needs.weight_bytes == bundle.file("weights.bin").stat().st_size
    for model in graphs(bundle.path):
        assert model.ir_version == IR_VERSION
        assert {(o.domain, o.version) for o in model.opset_import} == {
            ("", OPSET),
            ("com.microsoft", 1),
        }


@pytest.mark.parametrize(
    ("name", "packed"), [("llama3", True), ("exaone", False), ("gpt2", False), ("qwen3", False)]
)
def test_q_k_and_v_are_given_together_where_old_kernels_see_it(
    name: str, packed: bool, tiny: Tiny
) -> None:
    for model in graphs(tiny(name).path):
        for node in model.graph.node:
            if node.op_type == "GroupQueryAttention":
                assert (node.input[1] == "") is packed, node.name


def stored(name: str, shape: tuple[int, ...]) -> Stored:
    return Stored(name, "float32", shape, 4096, int(np.prod(shape)) * 4)


def test_an_input_and_a_weight_are_declared_once() -> None:
    sheet = Drawing("w.bin")
    for _ in range(2):
        assert sheet.input("x", "float32", ["n", 4]) == "x"
        assert sheet.stored(stored("w", (2, 4))) == "w"
        assert sheet.constant("one", np.ones(1, np.int64)) == "one"
    model = sheet.model("test", "0")
    assert [v.name for v in model.graph.input] == ["x"]
    assert [t.name for t in model.graph.initializer] == ["w", "one"]


def test_a_name_is_changed_wherever_it_stands() -> None:
    sheet = Drawing("w.bin")
    x = sheet.input("x", "float32", ["n"])
    y = sheet.node("Neg", [x], "first")
    sheet.node("Add", [y, y], "second", None, ["z"])
    sheet.rename(y, "y")
    nodes = sheet.model("test", "0").graph.node
    assert list(nodes[0].output) == ["y"] and list(nodes[1].input) == ["y", "y"]
    assert sheet.operators() == ("Add", "Neg")


def test_a_bias_is_added_after_a_float_product() -> None:
    bias = np.ones(2, np.float32)
    sheet = Drawing("w.bin")
    x = sheet.input("x", "float32", ["n", 4])
    matrix = Matrix(2, 4, 32, 0, stored("w", (2, 4)), None, bias)
    assert sheet.matmul(x, matrix, "m", "out") == "out"
    assert [node.op_type for node in sheet.model("t", "0").graph.node] == ["FusedMatMul", "Add"]


def test_a_matrix_split_in_runs_covers_the_same_bytes() -> None:
    whole = Matrix(10, 4, 32, 0, stored("w", (10, 4)), None, np.arange(10, dtype=np.float32))
    runs = whole.split(4 * 4 * 4)
    assert [run.rows for run in runs] == [4, 4, 2]
    assert [run.quants.offset - 4096 for run in runs] == [0, 64, 128]
    assert sum(run.quants.length for run in runs) == whole.quants.length
    biases = [run.bias for run in runs if run.bias is not None]
    assert np.concatenate(biases).tolist() == list(range(10))
    assert len(whole.split(1 << 30)) == 1


@pytest.mark.parametrize(
    ("rope", "slowed"),
    [
        (Rope(1e4), [1, 1, 1, 1]),
        (Rope(1e4, "linear", 4.0), [4, 4, 4, 4]),
        (Rope(1e4, "llama3", 8.0, 1.0, 4.0, 64), [1, None, 8, 8]),
    ],
    ids=["none", "linear", "llama3"],
)
def test_rope_tables(rope: Rope, slowed: list[float | None]) -> None:
    cos, sin = tables(rope, 8, 32)
    assert cos.shape == sin.shape == (32, 4) and cos.dtype == np.float32
    assert (cos[0] == 1).all() and (sin[0] == 0).all()
    np.testing.assert_allclose(cos**2 + sin**2, 1, atol=1e-6)
    for j, factor in enumerate(slowed):
        angle = 1e4 ** (-2 * j / 8)
        if factor is None:
            assert angle / 8 < np.arcsin(sin[1, j]) < angle  # in the smooth band
        else:
            np.testing.assert_allclose(sin[:, j], np.sin(np.arange(32) * angle / factor), atol=1e-6)


def test_factors_divide_frequencies() -> None:
    factors = np.array([1, 2, 4, 8], np.float32)
    cos, _ = tables(Rope(1e4, "tensor", factors_name="f"), 8, 4, factors)
    plain, _ = tables(Rope(1e4), 8, 4)
    assert cos[1, 0] == plain[1, 0]
    np.testing.assert_allclose(cos[1, 1], np.cos(0.1 / 2), atol=1e-7)
