"""Any text at all, lone surrogates and unassigned characters too, is taken by every function."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol import hangul
from ondol.errors import OptionError
from ondol.hangul.forms import composed

KOREAN = st.sampled_from(
    "가갔값닭히이로 은는(를)ㄱㅏㄴ0123456789,.-~·:/%₩$kgm₂①½Ⅳ漢か😀\n\u1100\u1161\u11a8"
)
TEXTS = st.text(KOREAN | st.characters(), max_size=40)

CALLS: dict[str, Callable[[str], object]] = {
    "choseong": hangul.choseong,
    "compose": hangul.compose,
    "decompose": hangul.decompose,
    "normalise": hangul.normalise,
    "read_aloud": hangul.read_aloud,
    "read_ending": hangul.read_ending,
    "romanise": hangul.romanise,
    "romanise names": lambda text: hangul.romanise(text, kind="name", hyphen=True),
    "romanise places": lambda text: hangul.romanise(text, kind="place", hyphen=True),
    "settle_josa": hangul.settle_josa,
    "transliterate": hangul.transliterate,
}


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=120, deadline=None)
@given(text=TEXTS)
def test_every_text_is_taken_and_nfc_comes_out(name: str, text: str) -> None:
    made = CALLS[name](text)
    assert isinstance(made, str)
    assert unicodedata.is_normalized("NFC", made)
    assert made == CALLS[name](unicodedata.normalize("NFC", text))


@settings(max_examples=200, deadline=None)
@given(text=TEXTS)
def test_places_and_spans_are_inside_the_text(text: str) -> None:
    made, places = composed(text)
    assert made == unicodedata.normalize("NFC", text)
    assert len(places) == len(made) and all(0 <= place < len(text) for place in places)
    for one in hangul.speech_levels(text):
        assert 0 <= one.start < one.end <= len(text)
        assert unicodedata.normalize("NFC", text[one.start : one.end]).strip() == one.text
    try:
        query = hangul.Query(text[:3])
    except OptionError:
        assert not text[:3].strip()
        return
    found = query.find(text)
    assert found is not None
    assert 0 <= found[0] < found[1] <= len(text)


@settings(max_examples=200, deadline=None)
@given(word=TEXTS)
def test_every_word_gets_one_form_or_both(word: str) -> None:
    if not word.strip():
        return
    form = hangul.particle(word, "으로/로")
    assert form in ("으로", "로", "(으)로")
    assert (form == "(으)로") == (hangul.read_ending(word) == "")
