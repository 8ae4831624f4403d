"""Calibration texts: Ondol's own, the user's, and the warning of those that are not Korean."""

import unicodedata
from pathlib import Path

import pytest

from ondol.errors import BadText
from ondol_converters.texts import load


def test_our_texts_come_where_none_is_given() -> None:
    loaded = load()
    korean, english = loaded.texts
    assert (korean.name, english.name) == ("ondol/ko.txt", "ondol/en.txt")
    assert (korean.language, english.language) == ("ko", "en")
    assert len(korean.text) > 13_000 and len(english.text) > 6_000
    assert loaded.warning is None
    assert loaded.text == f"{korean.text}\n{english.text}"
    assert unicodedata.is_normalized("NFC", loaded.text)
    assert "def " in english.text and "def " in korean.text  # code counts too


def test_the_users_texts_come_in_order(tmp_path: Path) -> None:
    for name, text in (("b.txt", "나중"), ("a.txt", "먼저")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    loaded = load([tmp_path / "b.txt", tmp_path / "a.txt"])
    assert [text.text for text in loaded.texts] == ["나중", "먼저"]
    assert loaded.warning is None


def test_english_alone_is_warned_of_with_its_share(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("Nothing but English 한글", encoding="utf-8")
    loaded = load([tmp_path / "en.txt"])
    assert loaded.warning is not None
    assert loaded.warning.hangul_share == pytest.approx(2 / 19)
    assert "10.5%" in str(loaded.warning)


def test_english_beside_enough_korean_is_not_warned_of(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("English words", encoding="utf-8")
    (tmp_path / "ko.txt").write_text("한국어로 쓴 글입니다", encoding="utf-8")
    assert load([tmp_path / "en.txt", tmp_path / "ko.txt"]).warning is None


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_bytes("한글".encode("euc-kr"))
    with pytest.raises(BadText, match="old.txt"):
        load([tmp_path / "old.txt"])
    (tmp_path / "empty.txt").write_bytes(b"")
    with pytest.raises(BadText, match="empty.txt"):
        load([tmp_path / "empty.txt"])
