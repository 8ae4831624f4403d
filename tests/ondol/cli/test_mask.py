"""`ondol mask`: text from a file or a pipe, its options, and what is no text."""

import io
import sys
from pathlib import Path

import pytest

from command_line import Ondol
from ondol.cli.app import run

TEXT = "김서연 씨 010-0132-4578\r\n끝"


def test_json_says_what_is_where(ondol: Ondol, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(TEXT.encode())
    done = ondol("mask", str(tmp_path / "a.txt"), "--json")
    assert done.code == 0 and done.json["text"] == "[name 1] 씨 [phone 1]\r\n끝"
    assert set(done.json) == {"text", "found"}
    name, phone = done.json["found"]
    assert (name["kind"], TEXT[name["start"] : name["end"]]) == ("name", "김서연")
    assert set(phone) == {"kind", "start", "end", "confidence"} and phone["confidence"] > 0.9


def test_a_pipe_gives_the_text_alone(ondol: Ondol) -> None:
    for arguments in (("mask",), ("mask", "-")):
        done = ondol(*arguments, stdin="a@example.com")
        assert done.out == "[e-mail 1]\n" and "e-mail 1" in done.err
    assert ondol("mask", stdin="").out == ""


def test_kinds_and_confidence(ondol: Ondol) -> None:
    assert ondol("mask", "--kinds", "phone, email", stdin=TEXT).out.startswith(
        "김서연 씨 [phone 1]"
    )
    assert ondol("mask", "--at-least", "1", stdin=TEXT).out.splitlines()[0] == TEXT.splitlines()[0]
    wrong = ondol("mask", "--kinds", "telephone", "--json", stdin=TEXT)
    assert wrong.code == 2 and "resident-number" in wrong.json["error"]["fix"]
    assert ondol("mask", "--at-least", "7", stdin=TEXT).code == 2


def test_bytes_that_are_no_text_are_named(
    ondol: Ondol,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "a.txt").write_bytes("가".encode() + b"\xb0\xa1")
    done = ondol("mask", str(tmp_path / "a.txt"))
    assert done.code == 2 and "byte 3" in done.err and "cp949" in done.err
    assert ondol("mask", str(tmp_path)).code == 2
    assert ondol("mask", str(tmp_path / "none")).code == 2
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"ab\xff")))
    assert run(["mask", "--json"]) == 2
    assert "byte 2" in capsys.readouterr().out


def test_korean_words(ondol: Ondol, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    done = ondol("mask", stdin=TEXT)
    assert done.out.startswith("[이름 1] 씨 [전화번호 1]") and "가린 것: 이름 1" in done.err
