"""The device `one` as `ondol devices` tells of it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ondol.device import Silicon, State
from ondol_runtimes.one import device
from ondol_runtimes.one.device import OneRuntime


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    device._fault.cache_clear()
    yield
    device._fault.cache_clear()


def test_without_onert_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    report = OneRuntime().probe()
    assert report.state is State.MISSING_SOFTWARE and "ondol[one]" in report.fix


def test_it_says_that_it_was_not_run_on_silicon(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onert", reason="no wheel of onert for this machine")
    report = OneRuntime().probe()
    assert report.available and report.silicon is Silicon.NO
    assert report.device is not None and "Not run on silicon" in report.reason
    assert "not run on silicon" in report.device.description
    monkeypatch.setenv("ONDOL_LANG", "ko")
    assert "실행해 보지 않았습니다" in OneRuntime().probe().reason


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("raise OSError('no such symbol')", "no such symbol"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("import time; time.sleep(60)", "no answer"),
    ],
)
def test_a_broken_onert_is_found_in_another_process(
    body: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "onert").mkdir()
    (tmp_path / "onert" / "__init__.py").write_text(body, "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(device, "SECONDS", 1.0)
    report = OneRuntime().probe()
    assert report.state is State.MISSING_SOFTWARE
    assert why in report.reason and "ondol[one]" in report.fix
