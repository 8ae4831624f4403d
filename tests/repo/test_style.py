"""Ruff's verdict, so that it is heard before a review."""

import subprocess
import sys

import pytest

from source_tree import ROOT


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=["check", "format"])
def test_ruff_is_content(command: list[str]) -> None:
    pytest.importorskip("ruff")
    ran = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--quiet", "."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
