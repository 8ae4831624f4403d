"""Probing devices side by side, each within a time limit; other people's in other processes.

Whatever a device's code does, hang, raise or end its process, the answer is a report.
"""

import json
import os
import queue
import sys
import threading
import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import asdict, replace

from ondol.child_process import ask, can_ask
from ondol.device import Device, Report, Silicon, State
from ondol.language import say
from ondol.strict import build

SECONDS = 2.0
VARIABLE = "ONDOL_PROBE_SECONDS"
"""The environment variable that gives devices more time, or less."""

CHILD = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from ondol.probing import answer
answer(sys.argv[2])
"""


def limit() -> float:
    """Seconds that devices have together: ONDOL_PROBE_SECONDS where it is a number, else 2."""
    try:
        wanted = float(os.environ.get(VARIABLE, ""))
    except ValueError:
        return SECONDS
    return wanted if 0 < wanted < threading.TIMEOUT_MAX else SECONDS


def together(names: Sequence[str], seconds: float | None, ours: Container[str]) -> Iterator[Report]:
    """Reports of devices in the order of their names.

    Args:
        names: of devices that `ondol.registry` knows.
        seconds: how long they have together; None: `limit()`.
        ours: those that are probed in this process, since they guard what they load themselves.
    """
    given = limit() if seconds is None else seconds
    end = time.monotonic() + given
    answers: dict[str, queue.SimpleQueue[Report]] = {name: queue.SimpleQueue() for name in names}

    def probe(name: str) -> None:
        answers[name].put(_here(name) if name in ours else _elsewhere(name, given))

    for name in names:  # not a pool: its threads would be waited for when Python ends
        threading.Thread(
            target=probe, args=(name,), name=f"ondol-probe-{name}", daemon=True
        ).start()
    for name in names:
        try:
            yield answers[name].get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            yield _timed_out(name, given)


def answer(name: str) -> None:
    """Print a device's report as one line of JSON: what the other process is for."""
    print("\n" + json.dumps(asdict(_here(name))))


def _here(name: str) -> Report:
    from ondol import registry

    try:
        report = registry.runtime(name).probe()
        return report if report.name == name else replace(report, name=name)
    except BaseException as exc:  # a thread has nobody to raise to, SystemExit included
        return Report(name, State.MISSING_SOFTWARE, f"{type(exc).__name__}: {exc}")


def _elsewhere(name: str, seconds: float) -> Report:
    """A report from another process; an app in one piece has none to start."""
    if not can_ask():
        return _here(name)
    answer = ask("-c", CHILD, json.dumps(sys.path), name, seconds=seconds)
    if answer.hung:
        return _timed_out(name, seconds)
    if answer.fault:
        return Report(
            name,
            State.MISSING_SOFTWARE,
            say(
                f"Probing ended its process ({answer.fault}).",
                f"확인하던 프로세스가 죽었습니다({answer.fault}).",
            ),
        )
    return _report(name, answer.lines)


def _report(name: str, lines: Sequence[str]) -> Report:
    try:
        said = json.loads(lines[-1])
        device = said["device"]
        return Report(
            name,
            State(said["state"]),
            str(said["reason"]),
            str(said["fix"]),
            Silicon(said["silicon"]),
            None if device is None else build(Device, device, "device"),
        )
    except (IndexError, KeyError, TypeError, ValueError) as exc:
        why = say("Its report cannot be read", "보고를 읽을 수 없습니다")
        return Report(name, State.MISSING_SOFTWARE, f"{why}: {type(exc).__name__}: {exc}")


def _timed_out(name: str, seconds: float) -> Report:
    return Report(
        name,
        State.TIMED_OUT,
        say(f"No answer within {seconds:g} s.", f"{seconds:g}초 안에 답이 없었습니다."),
        say(f"Give it more time: {VARIABLE}=10", f"시간을 더 주세요: {VARIABLE}=10"),
    )
