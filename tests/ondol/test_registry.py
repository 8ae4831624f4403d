"""Devices by name: ours, and other people's through an entry point."""

from pathlib import Path

import pytest

from ondol import probing, registry
from ondol.device import Silicon, State
from ondol.errors import UnknownDevice

GOOD = """
from ondol.device import Report, State
from ondol.runtime import Runtime

class Chip(Runtime):
    name = "ondol-test-chip"

    def _probe(self):
        return Report(self.name, State.MISSING_HARDWARE, "no card in the slot", "plug one in")

    def _open(self, bundle, plan):
        raise NotImplementedError
"""

BAD = {
    "broken": "raise OSError('libchip.so is missing')\n",
    "hung": "import time\ntime.sleep(3600)\n",
    "killed": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
    "mute": "import os, sys\nsys.stdout.flush()\nos._exit(0)\n",
}
"""Modules of devices that fail as they are imported, each in its own way."""


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Other people's package with two devices, one of which cannot even be imported."""
    info = tmp_path / "ondol_test_chips-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: ondol-test-chips\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[ondol.runtimes]\n"
        "ondol-test-chip = ondol_test_chip:Chip\n"
        "ondol-test-broken = ondol_test_broken:Chip\n"
        "ondol-test-killed = ondol_test_killed:Chip\n"
        "ondol-test-mute = ondol_test_mute:Chip\n"
        "cpu = ondol_test_chip:Chip\n"
    )
    for name, code in BAD.items():
        (tmp_path / f"ondol_test_{name}.py").write_text(code)
    (tmp_path / "ondol_test_chip.py").write_text(GOOD)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_ours_come_first_and_open_by_name() -> None:
    assert registry.names()[: len(registry.DEVICES)] == tuple(registry.DEVICES)
    for name in registry.DEVICES:
        assert registry.runtime(name).name == name


def test_other_peoples_devices_join_without_taking_a_name(others: Path) -> None:
    assert others.is_dir()
    assert registry.names()[-4:] == (
        "ondol-test-broken",
        "ondol-test-chip",
        "ondol-test-killed",
        "ondol-test-mute",
    )
    assert registry.names().count("cpu") == 1
    assert registry.runtime("cpu").silicon is Silicon.YES
    assert registry.runtime("ondol-test-chip").probe().fix == "plug one in"


def test_every_device_reports_and_none_raises(others: Path) -> None:
    assert others.is_dir()
    reports = {report.name: report for report in registry.reports()}
    assert tuple(reports) == registry.names()
    assert reports["cpu"].available and reports["null"].available
    assert reports["ondol-test-chip"].state is State.MISSING_HARDWARE
    broken = reports["ondol-test-broken"]
    assert broken.state is State.MISSING_SOFTWARE and "libchip.so" in broken.reason
    killed, mute = reports["ondol-test-killed"], reports["ondol-test-mute"]
    assert killed.state is State.MISSING_SOFTWARE and "SIGKILL" in killed.reason
    assert mute.state is State.MISSING_SOFTWARE and "cannot be read" in mute.reason


def test_other_peoples_device_that_hangs_is_a_named_timeout(others: Path) -> None:
    entries = others / "ondol_test_chips-1.0.dist-info" / "entry_points.txt"
    entries.write_text("[ondol.runtimes]\nondol-test-hung = ondol_test_hung:Chip\n")
    (hung,) = probing.together(["ondol-test-hung"], 1.0, registry.DEVICES)
    assert hung.state is State.TIMED_OUT and "1 s" in hung.reason and hung.fix


def test_a_device_says_whether_it_was_run_on_silicon() -> None:
    silicon = {report.name: report.silicon for report in registry.reports()}
    assert silicon["cpu"] is Silicon.YES
    assert silicon["null"] is Silicon.NO and silicon["reference"] is Silicon.NO


@pytest.mark.parametrize("name", ["", "CPU", "cuda", "cpu:0", "ondol_runtimes.cpu:CpuRuntime"])
def test_an_unknown_device_lists_the_known(name: str) -> None:
    with pytest.raises(UnknownDevice) as caught:
        registry.runtime(name)
    assert all(known in caught.value.why for known in registry.DEVICES) and caught.value.fix
