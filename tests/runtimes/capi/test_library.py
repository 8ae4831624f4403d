"""Libraries that are none, old, deadly or gone: a report, and this process lives."""

import importlib.util
import weakref
from pathlib import Path

import numpy as np
import pytest

from c_library import DIES, HANGS, LEAVES, compiled
from graph_bundle import encoder_bundle
from ondol.bundle import Bundle
from ondol.device import State
from ondol.errors import CorruptBundle, DeviceError, DeviceUnavailable
from ondol.plan import Plan
from ondol_runtimes._inference import Settings
from ondol_runtimes.capi import find
from ondol_runtimes.capi.api import StatusError
from ondol_runtimes.capi.device import CapiRuntime
from ondol_runtimes.capi.library import library
from tiny_models import Tiny

PLAN = Plan(32, 1, True, False)

OLD = """
static const void* get_api(unsigned version) { return 0; }
static const char* get_version(void) { return "1.20.1"; }
static const void* base[2] = {(const void*)get_api, (const void*)get_version};
const void* OrtGetApiBase(void) { return base; }
"""
NULL_BASE = "const void* OrtGetApiBase(void) { return 0; }"
WILD = "const void* OrtGetApiBase(void) { return (const void*)8; }"


def refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(find.VARIABLE, str(path))
    report = CapiRuntime().probe()
    assert report.state is State.MISSING_SOFTWARE and find.VARIABLE in report.fix
    return report.reason


def wheel() -> Path:
    spec = importlib.util.find_spec("onnxruntime")
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "capi"


def test_the_library_of_the_wheel_is_found() -> None:
    report = CapiRuntime().probe()
    assert report.available and report.device and report.device.cores > 0
    assert str(wheel()) in report.device.software and "is here" in report.reason


def test_an_embedded_library_is_before_the_wheels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "ondol_runtimes" / "capi" / "find.py"
    monkeypatch.setattr(find, "__file__", str(module))
    assert find.locate() != tmp_path / "lib" / "libonnxruntime.so"
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libonnxruntime.so").write_bytes(b"")
    assert find.locate() == tmp_path / "lib" / "libonnxruntime.so"


def test_no_library_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.delenv(find.VARIABLE, raising=False)
    report = CapiRuntime().probe()
    assert report.state is State.MISSING_SOFTWARE and "no libonnxruntime" in report.reason


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No such file" in refused(tmp_path / "gone.so", monkeypatch)


def test_a_text_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Tiny) -> None:
    path = tmp_path / "libonnxruntime.so"
    path.write_text("온돌")
    assert "cannot be loaded" in refused(path, monkeypatch)
    with pytest.raises(DeviceUnavailable, match="cannot be loaded"):
        CapiRuntime().open(tiny("gemma3"), PLAN)


def test_a_library_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "libonnxruntime.so"
    path.write_bytes(next(wheel().glob("libonnxruntime.so*")).read_bytes()[: 1 << 20])
    assert str(path) in refused(path, monkeypatch)


def test_the_extension_of_the_wheel_is_no_such_library(monkeypatch: pytest.MonkeyPatch) -> None:
    path = next(wheel().glob("onnxruntime_pybind11_state*"))
    assert "is no ONNX Runtime" in refused(path, monkeypatch)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (OLD, "ONNX Runtime 1.20.1; 1.24 is the oldest"),
        (NULL_BASE, "is NULL"),
        (WILD, "ends the process"),
        (DIES, "ends the process"),
        (LEAVES, "ends the process"),
    ],
    ids=["old", "null", "wild", "dies", "leaves"],
)
def test_a_library_that_does_wrong(
    code: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert said in refused(compiled(code, tmp_path / "lib.so"), monkeypatch)


def test_a_library_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "SECONDS", 0.5)
    assert "hangs" in refused(compiled(HANGS, tmp_path / "lib.so"), monkeypatch)


def test_one_that_is_replaced_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "libonnxruntime.so"
    path.write_text("not yet")
    assert "cannot be loaded" in refused(path, monkeypatch)
    path.unlink()
    path.symlink_to(next(wheel().glob("libonnxruntime.so*")))
    assert CapiRuntime().probe().available


def test_korean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    assert "불러올 수 없습니다" in refused(Path(__file__), monkeypatch)


def test_statuses_are_named(tmp_path: Path) -> None:
    path = find.locate()
    assert path is not None
    api = library(path).api
    with pytest.raises(StatusError, match="INVALID_ARGUMENT|FAIL") as caught:
        api.call("AddSessionConfigEntry", api.made("CreateSessionOptions"), b"", b"x")
    assert caught.value.code in ("INVALID_ARGUMENT", "FAIL")


def test_memory_that_is_bound_whole_is_not_kept(tmp_path: Path) -> None:
    path = find.locate()
    assert path is not None
    bundle = encoder_bundle(tmp_path / "mean")
    binding = library(path).open(bundle, "model.onnx", Settings(1, False)).binding()
    ids = np.ones((1, 4), np.int64)
    binding.input("input_ids", ids, ids.shape)
    alive = weakref.ref(ids)
    del ids
    assert alive() is None


def test_a_graph_that_is_none_is_corrupt(tmp_path: Path) -> None:
    bundle = encoder_bundle(tmp_path / "noise", b"\x08\x0anoise")
    with pytest.raises(CorruptBundle, match=r"ONNX Runtime 1\.\d+.*INVALID_PROTOBUF|INVALID"):
        CapiRuntime().open_graph(bundle, PLAN)


def test_what_a_graph_cannot_do_is_a_device_error(tmp_path: Path) -> None:
    bundle: Bundle = encoder_bundle(tmp_path / "mean")
    with (
        CapiRuntime().open_graph(bundle, PLAN) as session,
        pytest.raises(DeviceError, match="could not run"),
    ):
        session.run({"input_ids": np.array([[1 << 40]])})
