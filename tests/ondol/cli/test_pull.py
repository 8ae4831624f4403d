"""`ondol pull`: asks first, says what it did, and what to do next."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Ondol, environment
from hub_server import COMMIT, Hub, serving
from tiny_models import MODELS

pytest.importorskip("huggingface_hub")
MODEL = "hf:maker/tiny-ko"


@pytest.fixture
def hub(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    files = {path.name: path.read_bytes() for path in (MODELS / "qwen3").iterdir()}
    with serving(Hub(files, frozenset({"model.safetensors"}))) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setenv("HF_HOME", str(home / "hf"))
        for name in ("HF_TOKEN", "ONDOL_OFFLINE", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        yield served


def test_a_model_is_pulled_then_converted(ondol: Ondol, hub: Hub, home: Path) -> None:
    done = ondol("pull", MODEL, "--yes", "--json")
    assert done.code == 0
    folder = home / "models" / "maker" / "tiny-ko"
    assert done.json["path"] == str(folder) and done.json["commit"] == COMMIT
    assert done.json["next"] == f"ondol convert {folder}"
    assert "model.safetensors" in done.err  # a line for each file where no terminal is
    done = ondol("convert", str(folder), "--json")
    assert done.code == 0 and done.json["bundle"]["name"] == "tiny-ko"
    shown = ondol("inspect", "tiny-ko")
    assert f"{hub.address}/maker/tiny-ko@{COMMIT}" in shown.out


def test_people_see_where_it_is_and_what_is_next(ondol: Ondol, hub: Hub, tmp_path: Path) -> None:
    done = ondol("pull", MODEL, "--yes", "--out", str(tmp_path / "a b"))
    assert done.code == 0 and COMMIT in done.out
    assert f"ondol convert '{tmp_path / 'a b'}'" in done.out


def test_without_a_terminal_nobody_agreed(ondol: Ondol, hub: Hub) -> None:
    done = ondol("pull", MODEL, stdin="y\n")
    assert done.code == 9 and "ondol pull hf:maker/tiny-ko@main --yes" in done.err
    assert hub.requests == []


def at_a_terminal(answer: str, *arguments: str) -> tuple[int, str]:
    """Exit code and screen of a command whose user types an answer."""
    main, side = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "ondol.cli", *arguments],
        stdin=side,
        stdout=side,
        stderr=side,
        env=environment() | {"TERM": "dumb", "COLUMNS": "200"},
    ) as child:
        os.close(side)
        os.write(main, answer.encode())
        screen = b""
        while True:
            try:
                piece = os.read(main, 4096)
            except OSError:  # what Linux says of a terminal whose other side is gone
                break
            if not piece:
                break
            screen += piece
    os.close(main)
    return child.returncode, screen.decode()


@pytest.mark.parametrize("answer", ["n\n", "\n", "maybe\n"])
def test_no_at_the_terminal_is_no(hub: Hub, answer: str) -> None:
    code, screen = at_a_terminal(answer, "pull", MODEL)
    assert code == 9 and hub.requests == []
    assert hub.address in screen and "Go on? [y/N]" in screen


def test_yes_at_the_terminal_is_yes(hub: Hub, home: Path) -> None:
    code, screen = at_a_terminal("예\n", "--lang", "ko", "pull", MODEL)
    assert code == 0 and "계속할까요?" in screen
    assert (home / "models" / "maker" / "tiny-ko" / "model.safetensors").is_file()


def test_offline_is_said_before_anybody_is_asked(
    ondol: Ondol, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_OFFLINE", "1")
    done = ondol("pull", MODEL, "--yes", "--json")
    assert done.code == 9 and done.json["error"]["kind"] == "NotAllowed"
    assert hub.requests == []


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_errors_come_in_both_languages(
    ondol: Ondol, hub: Hub, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    monkeypatch.setenv("ONDOL_LANG", lang)
    hub.gate = (403, "GatedRepo")
    done = ondol("pull", MODEL, "--yes")
    assert done.code == 9 and "hf auth login" in done.err
    assert ("허락" in done.err) == (lang == "ko")


def test_what_is_no_reference_is_an_option_error(ondol: Ondol) -> None:
    done = ondol("pull", "Qwen/Qwen2.5-0.5B", "--yes")
    assert done.code == 2 and "hf:OWNER/NAME" in done.err
