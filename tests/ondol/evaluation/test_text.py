"""Texts: what is refused, what is said of them, and those that come with Ondol."""

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest

from ondol.errors import BadText
from ondol.evaluation.text import MAX_BYTES, Text, evaluation_texts, read_texts
from source_tree import ROOT

KOREAN = "가나다라 마바사"


def test_a_text_knows_its_file(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + unicodedata.normalize("NFD", KOREAN).encode() + b" abc"
    (tmp_path / "a.txt").write_bytes(data)
    (text,) = read_texts([tmp_path / "a.txt"])
    assert text.text == f"{KOREAN} abc"
    assert (text.name, text.size) == ("a.txt", len(data))
    assert text.sha256 == hashlib.sha256(data).hexdigest()
    assert text.hangul_share == pytest.approx(0.7)  # seven of ten letters
    assert text.language == "ko"


@pytest.mark.parametrize(
    ("said", "language", "share"),
    [
        ("only English", "en", 0.0),
        ("한글과 English words", "en", 3 / 15),
        ("漢字漢字漢字 abc", "other", 0.0),
        ("123 !?", "other", 0.0),
    ],
)
def test_the_language_is_that_of_most_letters(said: str, language: str, share: float) -> None:
    text = Text.of("t", said.encode())
    assert text.language == language and text.hangul_share == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        ("가".encode("cp949"), "UTF-8"),
        (b"a\0b", "UTF-8"),
        ("가".encode("utf-16"), "UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(data: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.txt"
    path.write_bytes(data)
    with pytest.raises(BadText, match=said) as caught:
        read_texts([path])
    assert "bad.txt" in caught.value.what and caught.value.fix


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(BadText, match="Cannot read"):
        read_texts([tmp_path / "absent.txt"])
    with pytest.raises(BadText, match="not a file"):
        read_texts([tmp_path])
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        os.truncate(file.fileno(), MAX_BYTES + 1)
    with pytest.raises(BadText, match="too large"):
        read_texts([large])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs here")
def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(BadText, match="not a file"):
        read_texts([tmp_path / "fifo"])


def test_our_texts_are_korean_and_english() -> None:
    korean, english = evaluation_texts()
    assert (korean.language, english.language) == ("ko", "en")
    assert (korean.name, english.name) == ("ondol/eval_ko.txt", "ondol/eval_en.txt")
    assert korean.hangul_share > 0.99 and english.hangul_share == 0
    assert all(5000 < len(text.text) < 7500 for text in (korean, english))


def test_our_texts_share_nothing_with_those_calibrated_on() -> None:
    folder = ROOT / "converters" / "ondol_converters" / "texts"
    seen = " ".join(path.read_text(encoding="utf-8") for path in folder.glob("*.txt"))
    assert seen
    for text in evaluation_texts():
        pieces = {text.text[i : i + 24] for i in range(len(text.text) - 24)}
        assert [piece for piece in pieces if piece in seen] == []
