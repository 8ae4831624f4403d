"""A store with two tiny bundles, and `ondol` run in this process or in one of its own."""

import io
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import ACTING, Done, Ondol, environment
from ondol import registry
from ondol.cli.app import run
from tiny_models import Tiny


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Tiny, chatting: Path) -> Path:
    """A store of its own with `base` (no chat template) and `talker`; messages in English."""
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ONDOL_LANG", "en")
    store = tmp_path / "home" / "bundles"
    store.mkdir(parents=True)
    shutil.copytree(tiny("gemma3").path, store / "base")
    shutil.copytree(chatting, store / "talker")
    return tmp_path / "home"


@pytest.fixture
def ondol(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ondol:
    """The command line in this process."""

    def call(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = run(arguments)
        out, err = capsys.readouterr()
        return Done(code, out, err)

    return call


@pytest.fixture
def process(home: Path) -> Ondol:
    """The command line in a process of its own, with the devices of acting_cli.py."""

    def call(*arguments: str, stdin: str = "") -> Done:
        done = subprocess.run(
            [sys.executable, str(ACTING), *arguments],
            input=stdin.encode(),
            capture_output=True,
            env=environment(),
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture
def broken_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a device whose module cannot be imported."""
    monkeypatch.setitem(registry.DEVICES, "broken", "no_such_module_of_ondol:Runtime")
    yield "broken"
