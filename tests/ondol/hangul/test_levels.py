"""Speech levels against sentences labelled by hand; the figures of the page are these."""

import unicodedata
from pathlib import Path

import pytest

from ondol.errors import OptionError
from ondol.hangul import Level, check_level, speech_levels

TABLE = Path(__file__).with_name("levels.tsv")

Case = tuple[Level, str]


def cases(half: int) -> list[Case]:
    """The sentences at even (0) or odd (1) places; the rules were mended on the even ones alone."""
    lines = [line.split("\t") for line in TABLE.read_text("utf-8").splitlines()]
    return [(Level(label), text) for label, text in lines][half::2]


def right(found: list[Case]) -> tuple[int, int]:
    """How many have the label as likeliest, and how many as possible."""
    read = [(label, speech_levels(text)[-1]) for label, text in found]
    return (
        sum(label is one.level for label, one in read),
        sum(label in (one.level, *one.fits) for label, one in read),
    )


def test_the_sample_is_large_and_of_every_level() -> None:
    whole = cases(0) + cases(1)
    assert len(set(whole)) == len(whole) == 250
    counts = {level: sum(label is level for label, _ in whole) for level in Level}
    assert min(counts.values()) >= 30


def test_the_figures_of_the_page() -> None:
    assert right(cases(0)) == (124, 125)
    assert right(cases(1)) == (118, 124)


def test_decomposed_sentences_give_the_same() -> None:
    for _, text in cases(1):
        source = unicodedata.normalize("NFD", text)
        composed, decomposed = speech_levels(text), speech_levels(source)
        assert [one.level for one in composed] == [one.level for one in decomposed]
        spans = [unicodedata.normalize("NFC", source[d.start : d.end]) for d in decomposed]
        assert spans == [one.text for one in composed]


ANSWER = "퇴직금은 14일 안에 줘야 합니다. 늦으면 이자를 내요! 표 3.5를 보십시오.\n- 준비물: 신분증"


def test_where_a_text_leaves_its_level() -> None:
    check = check_level(ANSWER)
    assert check.level is Level.HASIPSIO and not check.kept
    assert [ANSWER[one.start : one.end] for one in check.breaks] == ["늦으면 이자를 내요!"]
    assert len(check_level(ANSWER, "해요체").breaks) == 2
    assert check_level("합니다. 봅시다. 이상 없음.").kept


def test_sentences_are_cut_where_they_end() -> None:
    texts = [one.text for one in speech_levels('1. 값은 3.5입니다. "가자."라고 했다! 응?\n끝')]
    assert texts == ["1. 값은 3.5입니다.", '"가자."라고 했다!', "응?", "끝"]


@pytest.mark.parametrize("text", ["", " \n ", "...", "😀", "12"])
def test_nothing_that_is_said_keeps_any_level(text: str) -> None:
    assert check_level(text).kept
    assert check_level(text, Level.HAEYO).kept


@pytest.mark.parametrize("level", ["존댓말", "", "haeyo"])
def test_other_levels_are_refused(level: str) -> None:
    with pytest.raises(OptionError, match="해요체"):
        check_level("안녕", level)
