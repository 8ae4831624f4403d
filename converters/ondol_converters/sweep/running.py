"""Running jobs: each in a process of its own, whose death is no more than a failed job."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import IO

from ondol.language import say
from ondol_converters.sweep.job import Fault, Job, Record, failed

SHOWN_BYTES = 400


@dataclass(frozen=True, slots=True)
class Event:
    """Where a job is: `stage` of a conversion, and how much of how much of it is done."""

    job: str
    stage: str
    done: int
    total: int


Notify = Callable[[Event], None]


class Runner:
    """Runs jobs in child processes; `stop()` ends those at work."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = False
        self._running: set[subprocess.Popen[str]] = set()

    def run(self, job: Job, notify: Notify) -> Record:
        """Do a job to its end, good or bad. Raises nothing of the job's own."""
        start = time.monotonic()
        with tempfile.TemporaryFile() as errors:
            # -P: a module of the same name in the folder where a user stands is not ours
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "ondol_converters.sweep.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                encoding="utf-8",
            )
            with self._lock:
                self._running.add(child)
                if self._stopped:
                    child.kill()
            try:
                record = _listen(child, job, notify)
            finally:
                with self._lock:
                    self._running.discard(child)
                child.kill()
                child.wait()
            seconds = time.monotonic() - start
            if record is None:
                record = failed(job, _death(child.returncode, _end_of(errors)))
        return replace(record, seconds=seconds, host=platform.node())

    def stop(self) -> None:
        """Kill every child; their bundles stay as they were before."""
        with self._lock:
            self._stopped = True
            for child in self._running:
                child.kill()


def _listen(child: "subprocess.Popen[str]", job: Job, notify: Notify) -> Record | None:
    """The record that a child prints; None if it dies before."""
    if child.stdin is None or child.stdout is None:
        raise ValueError("a child without pipes")
    record = None
    with child.stdin, child.stdout:
        try:
            child.stdin.write(job.to_json() + "\n")
            child.stdin.flush()
        except OSError:  # it died before it read; its exit code says how
            child.wait()
            return None
        for line in child.stdout:
            told = json.loads(line)
            if "record" in told:
                record = Record.parse(told["record"])
                break
            notify(Event(**told))
        if record is None:
            child.wait()
    return record


def _end_of(file: IO[bytes]) -> str:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - SHOWN_BYTES))
    return file.read().decode("utf-8", "replace").strip()


def _death(code: int, words: str) -> Fault:
    killed = -code if code < 0 else 0
    return Fault(
        "Killed" if killed else "Died",
        say("The process that converted was ended.", "변환하던 프로세스가 끝나 버렸습니다."),
        (
            say(f"By signal {killed}.", f"시그널 {killed}을(를) 받았습니다.")
            if killed
            else say(f"Exit code {code}.", f"종료 코드 {code}.")
        )
        + (f" {words}" if words else ""),
        say(
            "If memory was short, run fewer jobs at a time: --jobs 1",
            "메모리가 모자랐다면 한 번에 하나씩 하세요: --jobs 1",
        ),
    )
