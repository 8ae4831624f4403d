"""A process measured whole, as the system accounts for it."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KIB = 1 if sys.platform == "darwin" else 1024  # macOS counts in bytes


@dataclass(frozen=True, slots=True)
class Ran:
    """Seconds from start to end, bytes of peak resident memory, and what it printed."""

    seconds: float
    peak_rss: int
    output: str


def accounted(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Ran:
    """Run a command to its end.

    Only of this process is the memory of its children counted before they begin: keep it small.

    Raises:
        SystemExit: if the command fails.
    """
    start = time.monotonic()
    child = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        text=True,
        env=None if environment is None else dict(environment),
    )
    if child.stdout is None:
        raise ValueError("a child without a pipe")
    with child.stdout:
        output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {child.returncode}")
    return Ran(time.monotonic() - start, usage.ru_maxrss * KIB, output)
