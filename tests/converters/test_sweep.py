"""`ondol sweep` on this machine: resuming, failures that lose nothing, kills, and the report."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import environment
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.evaluation.scoring import OpenModel, score
from ondol.evaluation.text import evaluation_texts
from ondol.files import locked
from ondol_converters.sweep.job import Job, Record
from ondol_converters.sweep.run import sweep
from ondol_converters.sweep.running import Event, Runner
from ondol_converters.sweep.spec import read
from sweeping import BROKEN, FILE, GOOD, bundles, command, swept, write_sweep
from tiny_models import MODELS

pytest.importorskip("typer")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_sweep(tmp_path)


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


def test_what_no_longer_holds_is_done_again(file: Path) -> None:
    without_broken = FILE.replace('broken = "broken"\n', "")
    file.write_text(without_broken, "utf-8")
    out = file.parent / "sweep"

    def done_again() -> set[str]:
        again: set[str] = set()
        sweep(
            read(file),
            count=2,
            notify=_nobody,
            finished=lambda record, kept: again.update([record.key][kept:]),
        )
        return again

    assert done_again() == set(GOOD)
    (out / "bundles" / GOOD[0] / "weights.bin").unlink()
    (out / "jobs" / f"{GOOD[3]}.json").write_text('{"key": 3}')
    assert done_again() == {GOOD[0], GOOD[3]}
    os.utime(file.parent / "qwen" / "config.json")
    assert done_again() == {GOOD[0], GOOD[1]}
    file.write_text(without_broken.replace('"int4"', '"int8"'), "utf-8")
    assert done_again() == {GOOD[1], GOOD[3]}
    assert done_again() == set()


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


def test_quality_is_measured_where_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    models = f'[models]\nm = "{(MODELS / "qwen3").as_posix()}"\n'
    path.write_text(f"evaluate = true\n{models}[recipes.r]\ncontext = 128\n", "utf-8")
    stages: set[str] = set()
    done = sweep(
        read(path), notify=lambda event: stages.add(event.stage), finished=lambda r, kept: None
    )
    measured = done.records[0].bits_per_character
    bundle = Bundle.open(read(path).jobs()[0].folder)
    with Engine.open(bundle, threads=1) as engine:
        model = OpenModel(engine.session, engine.tokenizer)
        wanted = {t.language: score(model, t.text).bits_per_character for t in evaluation_texts()}
    assert measured == pytest.approx(wanted, rel=1e-6) and set(wanted) == {"ko", "en"}
    assert "evaluate" in stages
    assert "Size against quality" in done.report.read_text("utf-8")


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
