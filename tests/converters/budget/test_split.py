"""Texts cut for calibrating and for scoring."""

import pytest

from ondol.errors import BadText
from ondol.evaluation.text import Text
from ondol_converters.budget.texts import LEAST, PIECE, split
from ondol_converters.texts import load

KOREAN = "가나다라 마바사 아자차카 타파하.\n"


def text(name: str, words: str) -> Text:
    return Text.of(name, words.encode())


def test_nothing_is_in_both_and_nothing_is_lost() -> None:
    lines = [f"{number}번째 문장입니다. 뜻은 없습니다.\n" for number in range(400)]
    found = split([text("a", "".join(lines))])
    calibration, tuning = found.calibration.splitlines(True), found.tuning.splitlines(True)
    assert not set(calibration) & set(tuning)
    assert sorted(calibration + tuning) == sorted(lines)
    assert 0.2 < len(found.tuning) / (len(found.calibration) + len(found.tuning)) < 0.3


def test_only_korean_is_scored_on_where_there_is_any() -> None:
    found = split([text("ko", KOREAN * 200), text("en", "All in plain English.\n" * 200)])
    assert "English" in found.calibration and "English" not in found.tuning
    assert split([text("en", "All in plain English.\n" * 200)]).tuning


def test_a_line_without_an_end_is_cut_between_words() -> None:
    found = split([text("ko", "하나 둘 셋 넷 " * 1000)])
    assert len(found.tuning) >= LEAST
    assert set(found.tuning.split()) == {"하나", "둘", "셋", "넷"}


def test_too_little_text_is_said() -> None:
    with pytest.raises(BadText, match="too little"):
        split([text("ko", KOREAN * 3)])


def test_our_own_texts_are_enough() -> None:
    found = split(load().texts)
    assert len(found.tuning) > 4 * PIECE
