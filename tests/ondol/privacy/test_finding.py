"""Finding in any text: places, kinds, confidence, other finders, hostile input in linear time."""

import subprocess
import sys
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol.errors import OptionError
from ondol.privacy import KINDS, Found, find
from ondol.privacy.finding import FINDERS
from ondol.privacy.folding import fold

TEXT = "김서연 씨 전화는 010-0132-4578, 메일은 a@example.com"


def test_places_are_those_of_the_text_given() -> None:
    for text in (TEXT, unicodedata.normalize("NFD", TEXT), TEXT.replace("0", "０")):
        name, phone, mail = find(text)
        assert unicodedata.normalize("NFKC", text[name.start : name.end]) == "김서연"
        assert unicodedata.normalize("NFKC", text[phone.start : phone.end]) == "010-0132-4578"
        assert text[mail.start : mail.end] == "a@example.com"


def test_kinds_and_confidence_choose() -> None:
    assert [each.kind for each in find(TEXT)] == ["name", "phone", "email"]
    assert [each.kind for each in find(TEXT, ["email"])] == ["email"]
    assert find(TEXT, []) == ()
    sure = find(TEXT, at_least=0.98)
    assert 0 < len(sure) < 3 and all(each.confidence >= 0.98 for each in sure)


def test_every_kind_has_a_rule() -> None:
    assert sorted(kind for kinds in FINDERS.values() for kind in kinds) == sorted(KINDS)


def test_other_finders_join_and_the_surest_wins() -> None:
    def model(text: str) -> Iterator[Found]:
        yield Found("name", 0, 5, 0.99)
        yield Found("name", 3, 10_000, 0.99)  # outside of the text
        yield Found("address", 6, 8, 0.1)

    assert find(TEXT, also=[model])[0] == Found("name", 0, 5, 0.99)
    assert find(TEXT, ["phone"], also=[model]) == find(TEXT, ["phone"])


@pytest.mark.parametrize("text", ["", " ", "\n", "가", "\ud800", "\u200b" * 9, "0" * 40, "{" * 99])
def test_texts_without_personal_data(text: str) -> None:
    assert find(text) == ()


@pytest.mark.parametrize("text", [None, b"010-0123-4567", 3, ["a"]])
def test_what_is_no_text_is_refused(text: object) -> None:
    with pytest.raises(OptionError, match=type(text).__name__):
        find(text)  # type: ignore[arg-type]


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(OptionError, match="resident-number"):
        find("a", ["telephone"])  # type: ignore[list-item]
    for confidence in (-0.1, 1.1, float("nan")):
        with pytest.raises(OptionError):
            find("a", at_least=confidence)


ALPHABET = st.sampled_from(
    "0123456789-.@ :()가나다김이서로길동시구호씨님aA\u1100\u1161\u11a8\u0301\u200b０－ㅡ\ud800\n"
)


@settings(max_examples=200, deadline=None)
@given(st.text(ALPHABET, max_size=60))
def test_any_text_gives_places_in_it_without_overlaps(text: str) -> None:
    found = find(text, at_least=0)
    at = 0
    for each in found:
        assert at <= each.start < each.end <= len(text) and 0 <= each.confidence <= 1
        at = each.end


@settings(max_examples=200, deadline=None)
@given(st.text(ALPHABET, max_size=40))
def test_folding_keeps_order_and_places(text: str) -> None:
    folded = fold(text)
    spans = [folded.span(at, at + 1) for at in range(len(folded.text))]
    assert spans == sorted(spans) and all(0 <= a < b <= len(text) for a, b in spans)
    assert fold(unicodedata.normalize("NFD", "한글 각")).text == "한글 각"


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=12))
def test_what_rules_read_is_composed(text: str) -> None:
    for form in (text, unicodedata.normalize("NFD", text)):
        folded = fold(form).text
        assert unicodedata.is_normalized("NFC", folded)


HOSTILE = (
    *("1", "1 ", "1-", "1.", "a", "a@", "a@a.", "a:", "가", "시 ", "서울 ", "김민수 ", "이름: "),
    *("로길동", "\u1112\u1161\u11ab", "\u200b", "가\u0301", "[이름 1]", "서울 강남구 역삼동 1-1 "),
)


def test_hostile_text_takes_linear_time() -> None:
    """A pattern that backtracks would need hours for a megabyte of these; the limit is generous."""
    code = (
        "from ondol.privacy import mask\n"
        f"for unit in {HOSTILE!r}:\n"
        "    text = unit * (200_000 // len(unit))\n"
        "    masked = mask(text)\n"
        "    assert masked.key.restore(masked.text) == text\n"
    )
    done = subprocess.run([sys.executable, "-c", code], timeout=120, check=False)
    assert done.returncode == 0
