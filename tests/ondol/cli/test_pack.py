"""`ondol pack` and `ondol unpack`, and every other command on one file."""

import json
from pathlib import Path

import pytest

from command_line import Ondol
from ondol.bundle import Bundle

BENCH = ("--prompt-tokens", "8", "--decode-tokens", "4", "--rounds", "1")


@pytest.fixture
def file(ondol: Ondol, tmp_path: Path) -> Path:
    path = tmp_path / "talker.ondol"
    assert ondol("pack", "talker", "--out", str(path)).code == 0
    return path


def test_pack_and_unpack_say_where(ondol: Ondol, home: Path, tmp_path: Path) -> None:
    done = ondol("pack", "talker", "--out", str(tmp_path / "a.ondol"), "--json")
    assert done.code == 0 and done.err.splitlines() == ["Packing talker"]
    made = done.json
    assert made["path"] == str(tmp_path / "a.ondol") and made["name"] == "talker"
    assert made["size_bytes"] == (tmp_path / "a.ondol").stat().st_size
    done = ondol("unpack", made["path"], "--out", str(tmp_path / "b"))
    assert done.code == 0 and str(tmp_path / "b") in done.out
    assert Bundle.open(tmp_path / "b").manifest == Bundle.open(home / "bundles/talker").manifest


def test_they_write_here_where_no_place_is_named(
    ondol: Ondol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ondol("pack", "base").code == 0 and (tmp_path / "gemma3-auto.ondol").is_file()
    assert ondol("unpack", "gemma3-auto.ondol").code == 0
    assert (tmp_path / "gemma3-auto" / "manifest.json").is_file()


def test_korean(ondol: Ondol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    done = ondol("pack", "talker", "--out", str(tmp_path / "a.ondol"))
    assert "경로" in done.out and "talker 묶기" in done.err
    done = ondol("pack", "talker", "--out", str(tmp_path / "a.zip"))
    assert done.code == 2 and "이름.ondol입니다" in done.err
    (tmp_path / "b.ondol").write_bytes(b"x")
    done = ondol("verify", str(tmp_path / "b.ondol"))
    assert done.code == 4 and "온전한 .ondol이 아닙니다" in done.err


def test_every_command_takes_the_file(ondol: Ondol, file: Path, home: Path) -> None:
    assert ondol("verify", str(file), "--json").json["bundles"][0]["whole"]
    assert ondol("inspect", str(file), "--json").json["bundle"]["path"] == str(file)
    speed = ondol("bench", str(file), *BENCH, "--json")
    assert speed.code == 0, speed.err
    settings = ("--once", "안녕", "--temperature", "0", "--max-tokens", "8")
    said = [ondol("chat", name, *settings) for name in ("talker", str(file))]
    assert [done.code for done in said] == [0, 0]
    assert said[0].out.splitlines()[:-1] == said[1].out.splitlines()[:-1]  # the last has speeds
    file.rename(home / "bundles" / "other.ondol")
    listed = ondol("models", "--json").json["bundles"]
    assert [entry["name"] for entry in listed] == ["base", "other.ondol", "talker"]
    checked = ondol("verify", "--all", "--json").json["bundles"]
    assert len(checked) == 3 and all(entry["whole"] for entry in checked)
    assert ondol("inspect", "other").code == 0


def test_a_file_that_is_none_is_named_and_harms_no_list(ondol: Ondol, home: Path) -> None:
    (home / "bundles" / "bad.ondol").write_bytes(json.dumps({"not": "a zip"}).encode())
    listed = {entry["name"]: entry for entry in ondol("models", "--json").json["bundles"]}
    assert listed["bad.ondol"]["error"]["kind"] == "CorruptBundle" and listed["base"]["bundle"]
    assert ondol("verify", "--all").code == 4
    assert ondol("chat", "bad", "--once", "x").code == 4
