"""Native OpenVINO as a second engine: the same numbers, and what it gets wrong refused."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graph_bundle import TABLE, encoder_bundle
from ondol import registry
from ondol.bundle import Bundle
from ondol.child_process import Answer
from ondol.device import State
from ondol.errors import BundleError, DeviceError, DeviceUnavailable
from ondol.packing import pack
from ondol.plan import Plan
from ondol.runtime import Runtime
from ondol_converters.conversion import convert
from ondol_converters.recipe import Activations, Options
from ondol_runtimes.openvino import device as module
from tiny_models import CONTEXT, MODELS, NAMES, Tiny, expected

PLAN = Plan(96, 1, True, False)
FLOAT = 2e-5  # float32 sums in another order: 1.9e-6 was the most seen
WRONG = ("exaone4_full", "gptj")
RIGHT = tuple(name for name in NAMES if name not in WRONG)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("openvino") is None,
    reason="openvino is not installed: pip install 'ondol[openvino]'",
)


@pytest.fixture
def openvino() -> Runtime:
    return registry.runtime("openvino")


@pytest.mark.parametrize("name", RIGHT)
def test_decoders_give_what_transformers_gives(name: str, openvino: Runtime, tiny: Tiny) -> None:
    known = expected(name)
    wanted = known.prefill[: len(known.ids)]
    allowed = FLOAT * np.abs(wanted).max()
    half = len(known.ids) // 2
    with openvino.open(tiny(name, "float32"), PLAN) as session:
        assert np.abs(session.append_all(known.ids[:half]) - wanted[:half]).max() <= allowed
        assert np.abs(session.append_all(known.ids[half:]) - wanted[half:]).max() <= allowed
        session.rewind(half)
        assert np.abs(session.append(known.ids[half:]) - wanted[-1]).max() <= allowed


@pytest.mark.parametrize("name", WRONG)
def test_what_it_computes_wrongly_is_refused(name: str, openvino: Runtime, tiny: Tiny) -> None:
    with pytest.raises(DeviceUnavailable, match=r"RotaryEmbedding wrongly.*0\.4 to 0\.9"):
        openvino.open(tiny(name, "float32"), PLAN)


@pytest.mark.parametrize("name", WRONG)
def test_it_is_still_wrong(
    name: str, openvino: Runtime, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When this fails, OpenVINO was mended and the refusal can go."""
    monkeypatch.setattr(module, "WRONG", {})
    known = expected(name)
    with openvino.open(tiny(name, "float32"), PLAN) as session:
        found, wanted = session.append_all(known.ids), known.prefill[: len(known.ids)]
    assert np.abs(found - wanted).max() > 0.3 * np.abs(wanted).max()


def test_quantised_decoders_are_refused_and_would_fail(
    openvino: Runtime, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeviceUnavailable, match="GatherBlockQuantized") as caught:
        openvino.open(tiny("gemma3"), PLAN)
    assert "--weights float32" in caught.value.why
    monkeypatch.setattr(module, "WRONG", {})
    with pytest.raises(DeviceUnavailable, match="scales.*must be a constant"):
        openvino.open(tiny("gemma3"), PLAN)


def static(activations: Activations, folder: Path) -> Bundle:
    options = Options(target="npu", activations=activations, context=CONTEXT)
    return convert(MODELS / "qwen3", folder / activations, options=options).bundle


def test_16_bit_qdq_is_refused_and_8_bit_is_as_on_the_cpu(
    openvino: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openvino, "refusal", lambda bundle: ("", ""))  # of its other graph
    sixteen = static("a16w8", tmp_path).variant("npu")
    assert sixteen is not None
    with pytest.raises(DeviceUnavailable, match=r"16 bits.*0\.20"):
        openvino.open_graph(Bundle.open(tmp_path / "a16w8"), PLAN, sixteen.graph)
    eight = Bundle.open(static("a8w8", tmp_path).path)
    with openvino.open_graph(eight, PLAN, sixteen.graph) as session:
        feeds = {
            port.name: np.zeros([size or 1 for size in port.shape], port.dtype)
            for port in session.inputs
        }
        found = session.run(feeds)["logits"]
    with registry.runtime("cpu").open_graph(eight, PLAN, sixteen.graph) as session:
        wanted = session.run(feeds)["logits"]
    # An activation that falls between two of 256 steps may be rounded to the other one
    assert np.abs(found - wanted).max() <= 0.05 * np.abs(wanted).max()


def test_a_graph_of_any_batch_and_length(openvino: Runtime, tmp_path: Path) -> None:
    bundle = encoder_bundle(tmp_path / "mean")
    with openvino.open_graph(bundle, PLAN) as session:
        assert [port.shape for port in session.outputs] == [(None, 4)]
        for ids in ([[1, 2, 3]], [[4], [5]]):
            found = session.run({"input_ids": np.array(ids)})["embedding"]
            assert np.allclose(found, TABLE[np.array(ids)].mean(1), atol=1e-6)
            assert found.dtype == np.float32 and found.flags.owndata


def test_a_graph_that_is_none(openvino: Runtime, tmp_path: Path) -> None:
    bundle = encoder_bundle(tmp_path / "noise", b"\x08\x0anoise")
    with pytest.raises(DeviceError, match=r"OpenVINO cannot run model\.onnx"):
        openvino.open_graph(bundle, PLAN)


def test_a_packed_bundle_is_refused_by_name(openvino: Runtime, tmp_path: Path) -> None:
    folder = encoder_bundle(tmp_path / "mean")
    pack(folder, tmp_path / "mean.ondol")
    with pytest.raises(BundleError):
        openvino.open_graph(Bundle.open(tmp_path / "mean.ondol"), PLAN)


@pytest.mark.parametrize("answer", [Answer(fault="SIGSEGV; "), Answer(fault="no answer in 20 s")])
def test_a_broken_package_is_a_report(
    answer: Answer, openvino: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_asked", lambda: answer)
    report = openvino.probe()
    assert report.state is State.MISSING_SOFTWARE and answer.fault in report.reason
    assert "ondol[openvino]" in report.fix


def test_a_package_whose_import_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "openvino.py").write_text("raise OSError('libopenvino.so is missing')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(module, "_asked", module._asked.__wrapped__)
    assert "OSError: libopenvino.so is missing" in registry.runtime("openvino").probe().reason


def test_its_telemetry_is_never_imported(tmp_path: Path) -> None:
    code = (
        "import json, sys\n"
        "from ondol_runtimes.openvino.door import openvino\n"
        "openvino()\n"
        "from openvino.tools.ovc import telemetry_utils\n"
        "loaded = [name for name in sys.modules if name.startswith('openvino_telemetry')]\n"
        "print(json.dumps([telemetry_utils.tm.__name__, loaded]))"
    )
    home = {"HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, env=home, capture_output=True, text=True, check=True)
    assert json.loads(ran.stdout) == ["openvino.tools.ovc.telemetry_stub", []]
    assert list(tmp_path.iterdir()) == []  # it would have written who this is
