"""Sweeps and conversions that are killed or interrupted: what is done stays done."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from command_line import environment
from dask_cluster import until
from ondol.files import locked
from sweeping import BROKEN, GOOD, bundles, children, command, events, records, swept, write_sweep

pytest.importorskip("typer")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_sweep(tmp_path)


@pytest.fixture
def stuck(file: Path) -> Iterator[Callable[[], None]]:
    """Holds the first good job's folder, so that its process waits; call it to let go."""
    folder = file.parent / "sweep" / "bundles" / GOOD[0]
    holding = locked(folder)
    holding.__enter__()
    held = True

    def let_go() -> None:
        nonlocal held
        held = False
        holding.__exit__(None, None, None)

    yield let_go
    if held:
        let_go()


def test_a_killed_sweep_is_resumed(file: Path, stuck: Callable[[], None]) -> None:
    with subprocess.Popen(
        command(file, "--jobs", "2", "--json"), stdout=subprocess.DEVNULL, env=environment()
    ) as child:
        until(lambda: records(file) == {*GOOD[1:], *BROKEN} and len(children(child.pid)) == 1)
        (converting,) = children(child.pid)
        child.kill()
    until(lambda: not Path(f"/proc/{converting}").exists())  # nobody converts on for nobody
    assert bundles(file) == set(GOOD[1:])
    stuck()
    code, told = swept(file)
    assert code == 10 and (told[-1]["done"], told[-1]["kept"]) == (4, 3)
    assert bundles(file) == set(GOOD)


def test_a_killed_conversion_is_one_failed_job(file: Path, stuck: Callable[[], None]) -> None:
    with subprocess.Popen(
        command(file, "--jobs", "2", "--json"), stdout=subprocess.PIPE, env=environment()
    ) as child:
        until(lambda: records(file) == {*GOOD[1:], *BROKEN} and len(children(child.pid)) == 1)
        os.kill(children(child.pid)[0], signal.SIGKILL)
        assert child.stdout is not None
        told = events(child.stdout.read().decode())
    (killed,) = [each for each in told if each.get("key") == GOOD[0]]
    assert killed["error"]["kind"] == "Killed" and "9" in killed["error"]["why"]
    assert "--jobs 1" in killed["error"]["fix"]
    assert (told[-1]["done"], told[-1]["failed"]) == (3, 3)


def test_an_interrupted_sweep_leaves_a_report(file: Path, stuck: Callable[[], None]) -> None:
    with subprocess.Popen(
        command(file, "--jobs", "2"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as child:
        until(lambda: records(file) == {*GOOD[1:], *BROKEN} and len(children(child.pid)) == 1)
        child.send_signal(signal.SIGINT)
        assert child.stderr is not None
        said = child.stderr.read().decode()
        assert child.wait(60) == 130
    assert "Traceback" not in said
    assert "qwen+small+cpu" in (file.parent / "sweep" / "report.html").read_text("utf-8")
