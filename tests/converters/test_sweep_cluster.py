"""`ondol sweep --scheduler`: a real Dask scheduler and workers, some of them killed."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import environment
from dask_cluster import cluster, until
from ondol.bundle import Bundle
from ondol.errors import ClusterLost
from ondol.files import locked
from ondol_converters.sweep import cluster as clusters
from ondol_converters.sweep.cluster import run_on_cluster
from ondol_converters.sweep.spec import read
from tiny_models import MODELS

pytest.importorskip("distributed")
pytest.importorskip("typer")
psutil = pytest.importorskip("psutil")  # distributed brings it

RECIPES = "".join(f"[recipes.r{n}]\ncontext = {16 * (n + 2)}\n" for n in range(4))
FILE = f'[models]\nqwen = "qwen"\nbroken = "broken"\n{RECIPES}'
STUCK = "qwen+r0+cpu"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sweep of four jobs that end well and four that do not."""
    shutil.copytree(MODELS / "qwen3", tmp_path / "qwen")
    shutil.copytree(MODELS / "qwen2", tmp_path / "broken")
    (tmp_path / "broken" / "config.json").write_text("{}")
    path = tmp_path / "sweep.toml"
    path.write_text(FILE, encoding="utf-8")
    return path


def start(file: Path, address: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "ondol.cli", "sweep", str(file), "--scheduler", address],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment() | {"ONDOL_LANG": "en"},
    )


def records(file: Path) -> set[str]:
    return {path.stem for path in (file.parent / "sweep" / "jobs").glob("*.json")}


def converting(worker: "subprocess.Popen[bytes]") -> list[int]:
    """The conversions that a worker has at work."""
    found = psutil.Process(worker.pid).children()
    return [child.pid for child in found if "ondol_converters.sweep.child" in child.cmdline()]


def test_a_killed_worker_loses_no_job(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sweep" / "bundles" / STUCK
    with cluster(tmp_path, 2) as dask, start(file, dask.address) as sweep:
        with locked(folder):  # the job waits for its folder until its worker is dead
            until(lambda: len(records(file)) == 7)
            busy = [worker for worker in dask.workers if converting(worker)]
            assert len(busy) == 1
            (orphan,) = converting(busy[0])
            busy[0].send_signal(signal.SIGKILL)
            until(lambda: not psutil.pid_exists(orphan))
            other = next(worker for worker in dask.workers if worker is not busy[0])
            until(lambda: bool(converting(other)))
        out, said = (text.decode() for text in sweep.communicate(timeout=60))
        assert sweep.returncode == 10, said
        assert other.poll() is None
    assert "4 done (0 before), 4 failed." in said
    for n in range(4):
        Bundle.open(tmp_path / "sweep" / "bundles" / f"qwen+r{n}+cpu").verify()


def test_a_lost_scheduler_is_said_and_the_sweep_resumed(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sweep" / "bundles" / STUCK
    with cluster(tmp_path, 2) as dask, start(file, dask.address) as sweep, locked(folder):
        until(lambda: len(records(file)) == 7)
        dask.scheduler.kill()
        _, said = sweep.communicate(timeout=90)
    assert sweep.returncode == 10 and "The scheduler at" in said.decode()
    assert (tmp_path / "sweep" / "report.html").is_file()
    (tmp_path / "scheduler.json").unlink()
    with cluster(tmp_path, 1) as dask, start(file, dask.address) as sweep:
        _, said = sweep.communicate(timeout=60)
    assert "4 done (3 before), 4 failed." in said.decode()


def test_nobody_there_is_said(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "CONNECT_SECONDS", 1)
    monkeypatch.setenv("ONDOL_LANG", "en")
    jobs = read(file).jobs()
    with pytest.raises(ClusterLost, match="No scheduler answers"):
        next(run_on_cluster("tcp://127.0.0.1:9", jobs, print))
    with pytest.raises(ClusterLost, match="No scheduler answers"):
        next(run_on_cluster("no scheme at all", jobs, print))
    with cluster(tmp_path, 0) as dask, pytest.raises(ClusterLost, match="has no workers"):
        next(run_on_cluster(dask.address, jobs, print))


def test_another_ondol_on_the_workers_is_said(file: Path, tmp_path: Path) -> None:
    older = tmp_path / "older" / "ondol-0.0.1.dist-info"
    older.mkdir(parents=True)
    (older / "METADATA").write_text("Metadata-Version: 2.1\nName: ondol\nVersion: 0.0.1\n")
    variables = {"PYTHONPATH": f"{older.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    with cluster(tmp_path, 1, variables) as dask, start(file, dask.address) as sweep:
        _, said = sweep.communicate(timeout=60)
    assert sweep.returncode == 10
    assert "The cluster has another Ondol: 0.0.1" in said.decode()
