"""What tests of the command line share: its results, and how to start it in a process."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

ACTING = Path(__file__).with_name("acting_cli.py")


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Stdout as one JSON value."""
        return json.loads(self.out)


class Ondol(Protocol):
    """Runs a command line; `stdin` is what is piped into it."""

    def __call__(self, *arguments: str, stdin: str = "") -> Done: ...


def environment() -> dict[str, str]:
    """This process' environment, with UTF-8 for the pipes of another."""
    return {**os.environ, "PYTHONUTF8": "1"}
