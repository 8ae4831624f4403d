"""The Python of a page under sdk/docs, run as a developer would run it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ondol.bundle import Bundle
from ondol.starter import STARTERS
from source_tree import ROOT

FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(page: str) -> list[str]:
    """The page's blocks of Python, in order."""
    return FENCE.findall((ROOT / "sdk" / "docs" / page).read_text(encoding="utf-8"))


def run_example(code: str, starter: Bundle, home: Path) -> str:
    """What code prints where a bundle stands in for every starter."""
    (home / "bundles").mkdir(parents=True, exist_ok=True)
    for name in STARTERS:
        link = home / "bundles" / name
        if not link.exists():
            link.symlink_to(starter.path, target_is_directory=True)
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-c", code],
        cwd=home,
        env={**os.environ, "ONDOL_HOME": str(home)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout
