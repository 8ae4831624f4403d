"""What the device qnn says of itself, and what it refuses by name."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from ondol import registry
from ondol.bundle import Bundle, entry_of
from ondol.device import Silicon, State
from ondol.errors import OptionError, UnknownDevice, UnsupportedOperators
from ondol.plan import Plan
from ondol_runtimes.qnn import device
from ondol_runtimes.qnn.device import QnnRuntime
from ondol_runtimes.qnn.soc import SOCS, soc_of
from tiny_models import Tiny


def test_a_chip_is_named_or_refused() -> None:
    assert [(soc.model, soc.arch) for soc in SOCS.values()] == [
        (36, 69),
        (43, 73),
        (57, 75),
        (69, 79),
        (87, 81),
    ]
    assert soc_of("sm8650") is SOCS["SM8650"]
    with pytest.raises(OptionError, match="SM8651") as caught:
        registry.runtime("qnn:SM8651")
    assert all(name in caught.value.why for name in SOCS) and caught.value.fix == "qnn:SM8650"
    with pytest.raises(UnknownDevice):
        registry.runtime("cpu:SM8650")


def test_without_the_package_the_report_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "MODULE", "onnxruntime_qnn_that_is_not_there")
    report = QnnRuntime().probe()
    assert report.state is State.MISSING_SOFTWARE and "onnxruntime-qnn" in report.reason
    assert report.fix == 'pip install "ondol[qnn]"' and report.silicon is Silicon.EMULATOR


@pytest.mark.parametrize(
    ("package", "why"),
    [
        ("raise OSError('libQnnHtp.so: no such file')", "libQnnHtp.so"),
        ("import os; os.abort()", "SIGABRT"),
        ("get_library_path = lambda: '/nowhere.so'", "/nowhere.so"),
    ],
)
def test_a_broken_package_is_a_report_not_a_crash(
    package: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onnxruntime_qnn.py").write_text(package)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.syspath_prepend(str(tmp_path))
    device._fault.cache_clear()
    try:
        report = QnnRuntime().probe()
    finally:
        device._fault.cache_clear()
    assert report.state is State.MISSING_SOFTWARE and why in report.reason


def test_the_report_says_emulator() -> None:
    pytest.importorskip("onnxruntime_qnn", reason="no wheel of onnxruntime-qnn for this machine")
    report = QnnRuntime("SM8450").probe()
    assert report.available and report.silicon is Silicon.EMULATOR
    assert "not run on silicon" in report.reason and "SM8450" in report.reason
    assert report.device is not None and "not run on silicon" in report.device.description


def test_nothing_of_the_emulator_reaches_standard_output(tiny: Tiny) -> None:
    pytest.importorskip("onnxruntime_qnn", reason="no wheel of onnxruntime-qnn for this machine")
    code = (
        "import sys; from pathlib import Path\n"
        "from ondol.engine import Engine\n"
        "with Engine.open(Path(sys.argv[1]), device='qnn') as engine:\n"
        "    print(engine._append([1, 2]).shape)\n"
    )
    bundle = tiny("qwen3", target="npu")
    ran = subprocess.run(
        [sys.executable, "-c", code, str(bundle.path)], capture_output=True, text=True, check=True
    )
    assert (ran.stdout, ran.stderr) == (f"({bundle.decoder.vocabulary},)\n", "")


def with_graph(bundle: Bundle, folder: Path, model: onnx.ModelProto) -> Bundle:
    """A copy of a bundle with another decode graph."""
    folder.mkdir()
    for entry in bundle.manifest.files:
        (folder / entry.path).write_bytes(bundle.read(entry.path))
    (folder / "npu.onnx").write_bytes(model.SerializeToString())
    files = tuple(entry_of(folder, entry.path) for entry in bundle.manifest.files)
    manifest = replace(bundle.manifest, files=files)
    (folder / "manifest.json").write_text(manifest.to_json(), "utf-8")
    return Bundle.open(folder)


def test_a_node_that_htp_does_not_take_is_named(tiny: Tiny, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime_qnn", reason="no wheel of onnxruntime-qnn for this machine")
    # 8-bit numbers of which no step is known: what HTP refuses, its validator's error 3110
    table = numpy_helper.from_array(np.ones((9, 8), np.int8), "table")
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "ids"], ["row"], "lookup"),
            helper.make_node("Cast", ["row"], ["y"], "widen", to=TensorProto.FLOAT),
        ],
        "integers",
        [helper.make_tensor_value_info("ids", TensorProto.INT32, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])],
        [table],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    bundle = with_graph(tiny("qwen3", target="npu"), tmp_path / "b", model)
    with pytest.raises(UnsupportedOperators, match=r"npu\.onnx") as caught:
        QnnRuntime("SM8750").open(bundle, Plan(64, 1, True, False))
    assert "lookup (Gather)" in caught.value.why and "widen (Cast)" in caught.value.why
