"""A budget's search killed at every stage: the old bundle lives, nothing of the search is left."""

import signal
import subprocess
import sys
from pathlib import Path

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.files import recover
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from tiny_models import MODELS

OPTIONS = Options(context=64)
SPENDING = ("baseline", "calibration", "sensitivity", "kernels")
SPENT = """
import os, signal, sys
from pathlib import Path
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options

def killed(stage, done, total):
    if stage == sys.argv[3] and done:
        os.kill(os.getpid(), signal.SIGKILL)

def watch(trial):
    if sys.argv[3] == "trial":
        os.kill(os.getpid(), signal.SIGKILL)

options = Options(context=64, budget=0.5)
convert(Path(sys.argv[1]), Path(sys.argv[2]), options=options, progress=killed, watch=watch)
"""
"""Converts argv[1] to argv[2] under a budget, and is killed while argv[3] is under way."""


def test_killed_while_a_budget_is_spent(tmp_path: Path) -> None:
    target = tmp_path / "model"
    kept = convert(MODELS / "qwen2", target, options=OPTIONS).bundle.manifest
    for stage in (*SPENDING, "trial"):
        command = [sys.executable, "-c", SPENT, str(MODELS / "qwen3"), str(target), stage]
        died = subprocess.run(command, capture_output=True, check=False)
        assert died.returncode == -signal.SIGKILL, (stage, died.stderr)
        recover(target)
        assert Bundle.open(target).manifest == kept
    bundle = Bundle.open(target)
    bundle.verify()
    with Engine.open(bundle) as engine:
        assert len(engine.session.append([1, 2])) == bundle.decoder.vocabulary
    # nothing of the searches is left once the next conversion has begun
    convert(MODELS / "qwen3", target, options=OPTIONS)
    assert {path.name for path in tmp_path.iterdir() if path.suffix != ".lock"} == {"model"}
