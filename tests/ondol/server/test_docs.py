"""The page about the server: its example runs, and its figures are the defaults."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ondol import store
from ondol.bundle import Bundle
from ondol.preparing import default_model
from ondol.server.settings import ServerSettings
from source_tree import ROOT

PAGE = (ROOT / "sdk" / "docs" / "server.md").read_text(encoding="utf-8")


def test_the_example_of_the_page_runs(
    talker: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path))
    store.folder().mkdir(parents=True)
    (store.folder() / default_model()).symlink_to(talker.path, target_is_directory=True)
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    ran = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        env={**os.environ, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout


def test_the_limits_of_the_page_are_the_defaults() -> None:
    defaults = ServerSettings()
    rows = dict(re.findall(r"^\| `(\w+)`[^|]*\| ([^|]+?) \|", PAGE, re.MULTILINE))
    assert rows["body_bytes"] == f"{defaults.body_bytes >> 20} MiB"
    assert rows["queue"] == f"{defaults.queue}, {defaults.queue_seconds:g}"
    for name in ("read_seconds", "reply_seconds", "write_seconds", "connections"):
        assert rows[name] == f"{getattr(defaults, name):g}"
