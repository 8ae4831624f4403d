"""Code tried in a process of its own first: what a vendor's library does there ends nothing here.

A package whose import raises, a library without its symbols, one that ends the process and one
that never answers are told apart, each with a time limit.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass

from ondol.language import say

WORDS = 400  # characters of what a process said last
TAIL = 8192  # bytes of its standard error that are read


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process printed, line by line; where `fault` is not empty, why it did not end well.

    `hung` says that it gave no answer within the time it had.
    """

    lines: tuple[str, ...] = ()
    fault: str = ""
    hung: bool = False


def can_ask() -> bool:
    """Whether there is an interpreter to start: in an app in one piece there is none."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


def ask(*arguments: str, seconds: float, environment: Mapping[str, str] | None = None) -> Answer:
    """Run this interpreter with some arguments, such as `-c` and code; never raises.

    Args:
        arguments: of the interpreter.
        seconds: after which it and what it started are ended.
        environment: variables besides this process's own.
    """
    # Files, not pipes: what a killed process had started may keep a pipe open for ever
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as exc:
            return Answer(fault=f"{sys.executable}: {exc.strerror}")
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            fault = say(f"no answer in {seconds:g} s", f"{seconds:g}초 동안 답이 없음")
            return Answer(fault=fault, hung=True)
        finally:
            _end(process)
        out.seek(0)
        lines = tuple(out.read().decode("utf-8", "replace").splitlines())
        err.seek(max(0, err.seek(0, os.SEEK_END) - TAIL))
        said = err.read().decode("utf-8", "replace")
        ended = "; ".join(filter(None, (_ending(code), _last(said))))
        return Answer(lines, "" if code == 0 else ended[:WORDS])


def fault(
    code: str, *arguments: str, seconds: float, environment: Mapping[str, str] | None = None
) -> str:
    """Why some code fails in another interpreter; empty if it does not.

    An app in one piece has no interpreter to start, and finds out by itself.
    """
    if not can_ask():
        return ""
    return ask("-c", code, *arguments, seconds=seconds, environment=environment).fault


def _end(process: "subprocess.Popen[bytes]") -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):  # nobody of its group is left
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _last(said: str) -> str:
    """The lines that start at the margin, but for a traceback's first: the errors themselves."""
    lines = [line for line in said.splitlines() if line[:1].strip()]
    return "; ".join(line for line in lines if not line.startswith("Traceback"))


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:  # a real-time signal has no name
        return f"signal {-code}"
