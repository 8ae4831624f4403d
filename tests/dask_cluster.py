"""A Dask cluster on this machine: a real scheduler and workers, on the loopback only."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from command_line import environment

PATIENCE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Cluster:
    """The scheduler's address and the processes."""

    address: str
    scheduler: "subprocess.Popen[bytes]"
    workers: tuple["subprocess.Popen[bytes]", ...]


def _started(
    folder: Path, *arguments: str, variables: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments, "--no-dashboard", "--host", "127.0.0.1"],
        cwd=folder,
        env=environment() | dict(variables or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@contextmanager
def cluster(
    folder: Path, workers: int, variables: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """A scheduler with so many workers of one thread each; none is left at the end.

    Args:
        variables: of the workers' environment, where it differs from this one.
    """
    file = folder / "scheduler.json"
    running = [_started(folder, "scheduler", "--port", "0", "--scheduler-file", str(file))]
    try:
        until(lambda: file.exists() and file.stat().st_size > 0)
        address = json.loads(file.read_text("utf-8"))["address"]
        options = ("--nthreads", "1", "--no-nanny", "--local-directory", str(folder))
        running += [
            _started(folder, "worker", address, *options, variables=variables)
            for _ in range(workers)
        ]
        yield Cluster(address, running[0], tuple(running[1:]))
    finally:
        for process in running:
            process.kill()
        for process in running:
            process.wait()


def until(condition: Callable[[], bool]) -> None:
    """Wait until something holds; fail when that takes a minute."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
