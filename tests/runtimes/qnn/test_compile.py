"""Contexts compiled for every chip, loaded back and run in the emulator; others are refused."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ondol import registry
from ondol.bundle import Bundle, entry_of
from ondol.choice import pick
from ondol.errors import BundleError, CorruptBundle, DeviceUnavailable, OptionError
from ondol.manifest import MANIFEST, SIGNATURE
from ondol.packing import pack
from ondol.plan import Plan
from ondol_runtimes.qnn.soc import SOCS
from tiny_models import CONTEXT, Tiny

pytest.importorskip("onnxruntime_qnn", reason="no wheel of onnxruntime-qnn for this machine")

from ondol_runtimes.qnn.compile import compile_bundle

PLAN = Plan(CONTEXT, 1, True, False)
IDS = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14]  # a padded bucket, and a step
COMPILED = 0.035  # as between emulator and CPU: a context may round elsewhere


@pytest.fixture(scope="module")
def compiled(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The smallest tiny model for every chip, its graphs and contexts side by side."""
    folder = tmp_path_factory.mktemp("compiled") / "llama"
    shutil.copytree(tiny("llama3", target="npu").path, folder)
    made, told = compile_bundle(Bundle.open(folder), list(SOCS))
    assert [each.soc for each in told] == list(SOCS)
    assert all(each.context_bytes > 0 and len(each.files) == 2 for each in told)
    return made


def test_the_manifest_says_for_which_chips(compiled: Bundle) -> None:
    compiled.verify()
    targets = [variant.target for variant in compiled.manifest.variants]
    assert targets == ["cpu", "npu", *(f"qnn:{name}" for name in SOCS)]
    for variant in compiled.manifest.variants[2:]:
        assert variant.needs.operators == ("com.microsoft::EPContext",)
        assert variant.needs.weight_bytes == sum(
            compiled.file(name).stat().st_size for name in (variant.graph, *variant.prefill)
        )
    on_disk = {path.name for path in compiled.path.iterdir()}
    assert on_disk == {MANIFEST, *(entry.path for entry in compiled.manifest.files)}


@pytest.mark.parametrize("soc", SOCS)
def test_contexts_load_back_and_run(soc: str, compiled: Bundle, tiny: Tiny) -> None:
    device = registry.runtime(f"qnn:{soc}")
    with device.open(compiled, PLAN) as session:
        found = session.append(IDS).copy()
    with device.open(tiny("llama3", target="npu"), PLAN) as session:
        wanted = session.append(IDS).copy()
    rms = np.sqrt(np.mean(np.square(found - wanted)) / np.mean(np.square(wanted)))
    assert np.isfinite(found).all() and rms <= COMPILED


def only(bundle: Bundle, *targets: str) -> Bundle:
    variants = tuple(v for v in bundle.manifest.variants if v.target in targets)
    return Bundle(bundle.path, replace(bundle.manifest, variants=variants))


def test_another_chips_context_is_refused_by_name(compiled: Bundle) -> None:
    bundle = only(compiled, "cpu", "npu", "qnn:SM8650")
    with pytest.raises(DeviceUnavailable, match="not compiled for SM8850") as caught:
        registry.runtime("qnn:SM8850").open(bundle, PLAN)
    assert "SM8650" in caught.value.why and "--soc SM8850" in caught.value.fix
    with pytest.raises(DeviceUnavailable, match="SM8850"):
        pick(bundle, "qnn:SM8850")
    with registry.runtime("qnn").open(bundle, PLAN) as session:  # the one that there is
        assert np.isfinite(session.append([1])).all()


@pytest.mark.parametrize("soc", ["SM8450", "SM8850"])
def test_a_mislabelled_context_is_refused_before_it_is_loaded(soc: str, compiled: Bundle) -> None:
    """The plugin itself loads most of these without a word."""
    bundle = only(compiled, f"qnn:{soc}")
    lying = replace(bundle.manifest.variants[0], target="qnn:SM8750")
    wrong = Bundle(bundle.path, replace(bundle.manifest, variants=(lying,)))
    with pytest.raises(DeviceUnavailable, match="another chip than SM8750") as caught:
        registry.runtime("qnn:SM8750").open(wrong, PLAN)
    assert soc in caught.value.why


def test_what_is_no_context_is_refused(compiled: Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "b"
    shutil.copytree(compiled.path, folder)
    (folder / "qnn-SM8750.onnx").write_bytes((folder / "npu.onnx").read_bytes())
    with pytest.raises(CorruptBundle, match="qnn-SM8750"):
        registry.runtime("qnn:SM8750").open(Bundle(folder, compiled.manifest), PLAN)
    files = tuple(entry_of(folder, entry.path) for entry in compiled.manifest.files)
    wrong = Bundle(folder, replace(compiled.manifest, files=files))
    with pytest.raises(CorruptBundle, match="for which chip") as caught:
        registry.runtime("qnn:SM8750").open(wrong, PLAN)
    assert caught.value.fix == "ondol compile llama3-auto --soc SM8750"


def test_bundles_that_cannot_be_compiled(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="SM1"):
        compile_bundle(tiny("llama3", target="npu"), ["SM1"])
    with pytest.raises(DeviceUnavailable, match="no graphs to compile"):
        compile_bundle(tiny("llama3"), ["SM8750"])
    with pytest.raises(BundleError):
        compile_bundle(pack(tiny("llama3", target="npu"), tmp_path / "b.ondol"), ["SM8750"])
    shutil.copytree(tiny("llama3", target="npu").path, tmp_path / "signed")
    (tmp_path / "signed" / SIGNATURE).write_text("{}")
    with pytest.raises(OptionError, match="signed"):
        compile_bundle(Bundle.open(tmp_path / "signed"), ["SM8750"])


def test_weights_that_no_context_holds_are_refused_by_name(tiny: Tiny) -> None:
    bundle = tiny("llama3", target="npu")
    large = tuple(
        replace(v, needs=replace(v.needs, weight_bytes=1 << 31)) for v in bundle.manifest.variants
    )
    huge = Bundle(bundle.path, replace(bundle.manifest, variants=large))
    for refused in (
        lambda: registry.runtime("qnn").open(huge, PLAN),
        lambda: pick(huge, "qnn:SM8650"),
        lambda: compile_bundle(huge, ["SM8750"]),
    ):
        with pytest.raises(DeviceUnavailable, match=r"2\.1 GB|too large"):
            refused()


def test_the_command_compiles_again(
    compiled: Bundle, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from ondol.cli.app import run

    shutil.copytree(compiled.path, tmp_path / "b")
    before = len(compiled.manifest.variants)
    assert run(["compile", str(tmp_path / "b"), "--soc", "sm8650,SM8750", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [each["soc"] for each in said["compiled"]] == ["SM8650", "SM8750"]
    assert said["run_on_silicon"] is False
    again = Bundle.open(tmp_path / "b")
    again.verify()
    assert len(again.manifest.variants) == before
    assert run(["compile", str(tmp_path / "b"), "--soc", "SM8751"]) == OptionError.exit_code
    assert "SM8750" in capsys.readouterr().err
