"""`ondol policy`: the rules that stand, and their files."""

from pathlib import Path

import pytest

from command_line import Ondol
from ondol.policy import NAME


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's policy file, not written yet."""
    monkeypatch.setenv("ONDOL_CONFIG", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    return tmp_path / "user" / NAME


def test_what_stands_and_where(user: Path, ondol: Ondol) -> None:
    done = ondol("policy", "--json")
    assert done.code == 0 and done.json["rules"] == []
    assert [each["owner"] for each in done.json["files"]] == ["system", "user"]
    assert done.json["files"][1] == {"owner": "user", "path": str(user), "there": False}
    assert "No policy" in ondol("policy").err

    user.write_text('devices = ["cpu"]\ndownload = false\nmemory_mb = 2048\nlogging = true\n')
    done = ondol("policy", "--json")
    assert done.json["rules"] == [
        {"name": "devices", "value": '["cpu"]', "path": str(user)},
        {"name": "download", "value": "false", "path": str(user)},
        {"name": "memory_mb", "value": "2048", "path": str(user)},
    ]
    shown = ondol("policy")
    assert '["cpu"]' in shown.out and str(user) in shown.out and "logging" not in shown.out


def test_one_that_cannot_be_understood_is_an_error(user: Path, ondol: Ondol) -> None:
    user.write_text("devices = 1")
    done = ondol("policy")
    assert done.code == 4 and str(user) in done.err and "devices" in done.err


def test_a_pull_is_refused_before_anything_is_asked(user: Path, ondol: Ondol) -> None:
    pytest.importorskip("huggingface_hub")
    user.write_text("download = false")
    done = ondol("pull", "hf:someone/model")
    assert done.code == 4 and "download = false" in done.err
