"""A small sweep to run in tests: two good models and a broken one, two recipes."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from command_line import environment
from tiny_models import MODELS

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


def write_sweep(folder: Path) -> Path:
    """A sweep over two good models and one cut short."""
    shutil.copytree(MODELS / "qwen3", folder / "qwen")
    shutil.copytree(MODELS / "llama3", folder / "llama")
    shutil.copytree(MODELS / "qwen2", folder / "broken")
    weights = folder / "broken" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    path = folder / "sweep.toml"
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


def records(file: Path) -> set[str]:
    return {path.stem for path in (file.parent / "sweep" / "jobs").glob("*.json")}
