"""Jamo of every syllable against Unicode's own decomposition; keyboards' order; initials."""

import unicodedata

import pytest

from ondol.errors import OptionError
from ondol.hangul import Syllable, choseong, compose, decompose, has_batchim, normalise
from ondol.hangul.forms import composed
from ondol.hangul.jamo import CODAS, ONSETS, VOWELS, syllable

SYLLABLES = [chr(code) for code in range(0xAC00, 0xD7A4)]


def test_every_syllable_comes_apart_as_unicode_says() -> None:
    codas = (None, *(chr(0x11A8 + at) for at in range(27)))
    for char in SYLLABLES:
        found = syllable(char)
        assert found is not None
        parts = unicodedata.normalize("NFD", char)
        assert ord(parts[0]) - 0x1100 == ONSETS.index(found.onset)
        assert ord(parts[1]) - 0x1161 == VOWELS.index(found.vowel)
        assert (parts[2] if parts[2:] else None) == codas[CODAS.index(found.coda)]
        assert str(found) == char
    assert syllable("a") is syllable("ㄱ") is syllable("") is syllable("가나") is None


def test_every_syllable_comes_back_by_either_way() -> None:
    whole = "".join(SYLLABLES)
    assert compose(" ".join(decompose(char) for char in SYLLABLES)) == " ".join(SYLLABLES)
    assert compose(" ".join(decompose(c, parts=True) for c in SYLLABLES)) == " ".join(SYLLABLES)
    assert decompose(unicodedata.normalize("NFD", whole)) == decompose(whole)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("ㅎㅏㄴㄱㅡㄹ", "한글"),
        ("ㄷㅏㄹㄱㅣ", "달기"),
        ("ㄷㅏㄺㅣ", "닭ㅣ"),
        ("ㅇㅓㅂㅅㄷㅏ", "없다"),
        ("ㅇㅓㅂㅅㅓ", "업서"),
        ("ㄱㅗㅏㅇㅏㄴ", "과안"),
        ("ㄲㅏㄲㅏ", "까까"),
        ("ㄱㄱㅏ", "ㄱ가"),
        ("ㅋㅋ ㅠㅠ ㅎㅏ", "ㅋㅋ ㅠㅠ 하"),
        ("ㅏㄴ", "ㅏㄴ"),
        ("가ㅏ", "가ㅏ"),
        ("", ""),
    ],
)
def test_jamo_become_what_a_keyboard_would_write(typed: str, read: str) -> None:
    assert compose(typed) == read


def test_initials_and_batchim() -> None:
    assert choseong("한글 3호 ABC") == "ㅎㄱ 3ㅎ ABC"
    assert choseong(unicodedata.normalize("NFD", "꽃밭")) == "ㄲㅂ"
    assert [has_batchim(text) for text in ("책", "나무", "abc", "", "책!")] == [True, *[False] * 4]
    assert str(Syllable("ㄱ", "ㅏ")) == "가"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ＡＢＣ　１２３！", "ABC 123!"),
        ("ﾡﾢￂ", "ㄱㄲㅏ"),
        (unicodedata.normalize("NFD", "한글"), "한글"),
        ("①㎏½", "①㎏½"),
        ("\uffa0", "\u3164"),
    ],
)
def test_width_and_form(text: str, read: str) -> None:
    assert normalise(text) == read
    assert normalise(read) == read


def test_width_and_jamo_are_choices() -> None:
    assert normalise("Ａ", width=False) == "Ａ"
    assert normalise("ㅎㅏㄴ ㅋㅋ", jamo=True) == "한 ㅋㅋ"
    assert normalise("ㅎㅏㄴ") == "ㅎㅏㄴ"


@pytest.mark.parametrize("text", ["한글 e\u0301!", "a\u0323\u0307가", "\u1100\u1161\u11a8각", "ㄱ"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_composed_characters_say_where_they_came_from(text: str, form: str) -> None:
    source = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    made, places = composed(source)
    assert made == unicodedata.normalize("NFC", source)
    assert len(places) == len(made) and places == sorted(places)
    starts = sorted(set(places))
    for start, end in zip(starts, [*starts[1:], len(source)], strict=True):
        part = "".join(char for char, place in zip(made, places, strict=True) if place == start)
        assert unicodedata.normalize("NFC", source[start:end]) == part


@pytest.mark.parametrize("call", [decompose, compose, choseong, has_batchim, normalise])
def test_what_is_no_text_is_refused(call: object) -> None:
    with pytest.raises(OptionError, match="int"):
        call(3)  # type: ignore[operator]
