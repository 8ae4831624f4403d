"""What is predicted beside what the system measured, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ondol.fitting.footprint import cache_row, outline_of, weight_bytes
from tiny_models import Tiny
from weights import starter_bundle

WORKER = Path(__file__).parents[2] / "measured_memory.py"
WITHIN = 0.10  # of the measured peak: what the planner promises


@pytest.mark.weights
@pytest.mark.skipif(sys.platform != "linux", reason="constants were measured on Linux")
@pytest.mark.parametrize(
    ("name", "tokens", "prefill"),
    [
        ("gemma", 512, "integer"),
        ("gemma", 1200, "integer"),
        ("gemma", 512, "float"),
        ("qwen", 300, "integer"),
        ("qwen", 300, "float"),
        ("e5", 400, "integer"),
    ],
)
def test_the_peak_is_predicted(name: str, tokens: int, prefill: str) -> None:
    command = [sys.executable, str(WORKER), str(starter_bundle(name).path), str(tokens), prefill]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    predicted, measured = json.loads(ran.stdout)
    assert predicted == pytest.approx(measured, rel=WITHIN)


def test_weights_are_counted_from_the_graph(tiny: Tiny) -> None:
    onnx = pytest.importorskip("onnx", reason="the converters extra")
    bundle = tiny("gemma3")
    graph = onnx.load(str(bundle.file("model.onnx")), load_external_data=False).graph
    seen = outline_of(bundle)
    assert [node.kind.rpartition("::")[2] for node in seen.nodes] == [n.op_type for n in graph.node]
    assert {t.name: t.shape for t in seen.tensors.values()} == {
        t.name: tuple(t.dims) for t in graph.initializer
    }
    least = sum(
        node.integers["N"] * node.integers["K"]
        for node in seen.nodes
        if node.kind.endswith("MatMulNBits")
    )
    assert weight_bytes(seen) > least > 0
    # 7 layers, keys and values, one head of 32 float32 each
    assert cache_row(bundle.decoder) == 7 * 2 * 32 * 4
