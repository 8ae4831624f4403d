"""`ondol sweep` on this machine: resuming, failures that lose nothing, kills, and the report."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from command_line import environment
from dask_cluster import until
from ondol.bundle import Bundle
from ondol.files import locked
from ondol_converters.sweep.job import Job, Record
from ondol_converters.sweep.run import sweep
from ondol_converters.sweep.running import Event, Runner
from ondol_converters.sweep.spec import read
from tiny_models import MODELS

pytest.importorskip("typer")

FILE = """
[models]
qwen = "qwen"
"라마" = "llama"
broken = "broken"
[recipes.lossless]
context = 64
[recipes.small]
weights = "int4"
context = 64
"""
GOOD = ["qwen+lossless+cpu", "qwen+small+cpu", "라마+lossless+cpu", "라마+small+cpu"]
BROKEN = ["broken+lossless+cpu", "broken+small+cpu"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sweep over two good models and one cut short."""
    shutil.copytree(MODELS / "qwen3", tmp_path / "qwen")
    shutil.copytree(MODELS / "llama3", tmp_path / "llama")
    shutil.copytree(MODELS / "qwen2", tmp_path / "broken")
    weights = tmp_path / "broken" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    path = tmp_path / "sweep.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def command(file: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "ondol.cli", "--lang", "en", "sweep", str(file), *arguments]


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def swept(file: Path, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and events of a whole sweep."""
    done = subprocess.run(
        [*command(file, *arguments), "--json"],
        capture_output=True,
        env=environment(),
        check=False,
        timeout=120,
    )
    return done.returncode, events(done.stdout.decode())


def bundles(file: Path) -> set[str]:
    folder = file.parent / "sweep" / "bundles"
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            status = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(status[1]) == process and status[0] != "Z":
            found.append(int(folder.name))
    return found


linux = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


def test_one_failure_loses_nothing(file: Path) -> None:
    code, told = swept(file)
    assert code == 10
    assert told[0] == {"event": "start", "jobs": 6}
    ended = {each["key"]: each for each in told if each["event"] == "job"}
    assert [key for key in sorted(ended) if ended[key]["state"] == "done"] == sorted(GOOD)
    for key in BROKEN:
        assert ended[key]["error"]["kind"] == "CorruptSource" and ended[key]["error"]["fix"]
    for key in GOOD:
        bundle = Bundle.open(file.parent / "sweep" / "bundles" / key)
        bundle.verify()
        assert bundle.size == ended[key]["size_bytes"]
        assert ended[key]["seconds"] > 0 and ended[key]["source_bytes"] > 0
    assert {each["stage"] for each in told if each["event"] == "progress"} >= {"weights", "hash"}
    end = told[-1]
    assert (end["done"], end["failed"], end["kept"]) == (4, 2, 0)
    assert bundles(file) == set(GOOD)


def test_a_second_sweep_does_only_what_is_left(file: Path) -> None:
    swept(file)
    shutil.copy(MODELS / "qwen2" / "model.safetensors", file.parent / "broken")
    before = (file.parent / "sweep" / "bundles" / GOOD[0] / "manifest.json").stat().st_mtime_ns
    code, told = swept(file)
    assert code == 0 and (told[-1]["done"], told[-1]["kept"]) == (6, 4)
    after = (file.parent / "sweep" / "bundles" / GOOD[0] / "manifest.json").stat().st_mtime_ns
    assert before == after and bundles(file) == {*GOOD, *BROKEN}


@pytest.mark.parametrize("change", ["source", "recipe", "bundle", "record"])
def test_what_no_longer_holds_is_done_again(change: str, file: Path) -> None:
    swept(file)
    out = file.parent / "sweep"
    if change == "source":
        os.utime(file.parent / "qwen" / "config.json")
    elif change == "recipe":
        file.write_text(FILE.replace('"int4"', '"int8"'), encoding="utf-8")
    elif change == "bundle":
        (out / "bundles" / GOOD[0] / "weights.bin").unlink()
    else:
        (out / "jobs" / f"{GOOD[0]}.json").write_text('{"key": 3}')
    _, told = swept(file)
    again = {each["key"] for each in told if each["event"] == "job" and not each["kept"]}
    assert (
        again - set(BROKEN)
        == {
            "source": {GOOD[0], GOOD[1]},
            "recipe": {GOOD[1], GOOD[3]},
            "bundle": {GOOD[0]},
            "record": {GOOD[0]},
        }[change]
    )


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


def records(file: Path) -> set[str]:
    return {path.stem for path in (file.parent / "sweep" / "jobs").glob("*.json")}


@linux
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


@linux
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


@linux
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


def test_two_sweeps_do_not_share_a_folder(file: Path) -> None:
    jobs = file.parent / "sweep" / "jobs"
    with locked(jobs):
        done = subprocess.run(command(file), capture_output=True, env=environment(), check=False)
    assert done.returncode == 7 and b"Another process is writing" in done.stderr


def test_an_older_ondol_on_a_worker_is_said(tmp_path: Path) -> None:
    options = read(_one(tmp_path)).recipes["r"]
    job = Job("m", "r", "cpu", str(MODELS / "qwen3"), options, tmp_path / "b", version="0.0.1")
    record = Runner().run(job, _nobody)
    assert record.state == "failed" and record.error is not None
    assert "0.0.1" in record.error.what and "pip install" in record.error.fix
    assert not (tmp_path / "b").exists()


def _one(folder: Path) -> Path:
    path = folder / "sweep.toml"
    path.write_text(f'[models]\nm = "{(MODELS / "qwen3").as_posix()}"\n[recipes.r]\n', "utf-8")
    return path


def _nobody(event: Event) -> None:
    """Nobody watches."""


def test_a_record_is_the_same_after_a_journey(tmp_path: Path) -> None:
    seen: list[Record] = []
    done = sweep(read(_one(tmp_path)), notify=_nobody, finished=lambda r, kept: seen.append(r))
    assert done.records == tuple(seen) and done.failed == 0
    assert Record.parse(done.records[0].to_json()) == done.records[0]


def test_a_bad_file_is_an_option_error(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text("[modles]\n")
    done = subprocess.run(command(path), capture_output=True, env=environment(), check=False)
    assert done.returncode == 2 and b"models" in done.stderr
    done = subprocess.run(
        command(_one(tmp_path), "--jobs", "0"), capture_output=True, env=environment(), check=False
    )
    assert done.returncode == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sweep.toml"]


def test_the_table_and_the_lines_are_for_people(file: Path) -> None:
    done = subprocess.run(command(file), capture_output=True, env=environment(), check=False)
    assert done.returncode == 10
    table, said = done.stdout.decode(), done.stderr.decode()
    assert re.search(r"qwen +small +cpu +done +[\d.]+ kB", table)
    assert re.search(r"broken +small +cpu +failed", table)
    assert "[6/6] " in said and "4 done (0 before), 2 failed." in said and "report.html" in said


def test_a_sweep_here_needs_no_dask(file: Path) -> None:
    code = (
        "import sys; from ondol.cli.app import run; run(sys.argv[1:]);"
        "sys.exit(sum(name in sys.modules for name in ('distributed', 'numpy', 'onnx')))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "sweep", str(file)],
        capture_output=True,
        env=environment(),
        check=False,
    )
    assert ran.returncode == 0
