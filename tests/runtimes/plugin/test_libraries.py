"""Plugins that are none, break, end the process or hang: a report, and this process lives."""

import importlib.util
from pathlib import Path

import pytest

from c_library import DIES, HANGS, LEAVES, compiled
from ondol import registry
from ondol.device import Report, State
from ondol.errors import DeviceUnavailable, UnknownDevice
from ondol.plan import Plan
from ondol_runtimes.plugin import find
from tiny_models import Tiny

PLAN = Plan(32, 1, True, False)


def report(named: str) -> Report:
    return registry.runtime(f"plugin:{named}").probe()


def refused(named: str) -> str:
    found = report(named)
    assert found.state is State.MISSING_SOFTWARE and found.name == f"plugin:{named}"
    assert "plugin:FILE" in found.fix
    return found.reason


def test_without_a_library_it_says_how_to_name_one() -> None:
    found = registry.runtime("plugin").probe()
    assert (found.name, found.state) == ("plugin", State.MISSING_SOFTWARE)
    assert "plugin:FILE" in found.fix


def test_a_colon_alone_names_no_device() -> None:
    for name in ("plugin:", "cpu:/lib.so", ":/lib.so"):
        with pytest.raises(UnknownDevice):
            registry.runtime(name)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "There is no file" in refused(str(tmp_path / "gone.so"))


def test_a_package_that_is_not_there() -> None:
    assert "No module named 'ondol_no_such_plugin'" in refused("ondol_no_such_plugin")


def test_a_package_that_is_no_plugin() -> None:
    assert "json has none of get_library_path, library_path" in refused("json")


def test_a_package_whose_import_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ondol_bad_plugin.py").write_text("raise OSError('libvendor.so is missing')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    assert "OSError: libvendor.so is missing" in refused("ondol_bad_plugin")


def test_a_text_file(tmp_path: Path, tiny: Tiny) -> None:
    path = tmp_path / "plugin.so"
    path.write_text("온돌")
    assert "is no plugin of ONNX Runtime" in refused(str(path))
    with pytest.raises(DeviceUnavailable, match="is no plugin"):
        registry.runtime(f"plugin:{path}").open(tiny("llama3"), PLAN)


def test_a_library_without_the_symbols(tmp_path: Path) -> None:
    path = compiled("int other(void) { return 0; }", tmp_path / "lib.so")
    assert "CreateEpFactories" in refused(str(path))


def test_onnxruntime_itself_is_no_plugin() -> None:
    spec = importlib.util.find_spec("onnxruntime")
    assert spec is not None and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0]) / "capi"
    library = next(folder.glob("libonnxruntime_providers_shared.so"))
    assert "is no plugin of ONNX Runtime" in refused(str(library))


@pytest.mark.parametrize(("code", "said"), [(DIES, "SIGSEGV"), (LEAVES, "ended")])
def test_one_that_ends_the_process(code: str, said: str, tmp_path: Path) -> None:
    assert said in refused(str(compiled(code, tmp_path / "lib.so")))


def test_one_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(find, "SECONDS", 2.0)
    assert "no answer in 2 s" in refused(str(compiled(HANGS, tmp_path / "lib.so")))


def test_one_that_is_mended_is_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "lib.so"
    assert "There is no file" in refused(str(path))
    path.write_text("not yet")
    assert "is no plugin" in refused(str(path))


def test_korean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    path = tmp_path / "plugin.so"
    path.write_text("온돌")
    assert "플러그인이 아닙니다" in report(str(path)).reason
