import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol.errors import OptionError
from ondol.hangul import respace, sentences


def whole(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).split())


@pytest.fixture(autouse=True)
def _installed() -> None:
    pytest.importorskip("kiwipiepy", reason="needs the extra korean")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_spacing_is_restored_and_places_are_kept(form: str) -> None:
    source = unicodedata.normalize(form, "아버지가방에들어가신다.\n오늘은  날씨가좋네요")  # type: ignore[arg-type]
    made = respace(source)
    assert made.text == "아버지가 방에 들어가신다.\n오늘은 날씨가 좋네요"
    ends = [*made.places[1:], len(source)]
    for char, start, end in zip(made.text, made.places, ends, strict=True):
        part = unicodedata.normalize("NFC", source[start:end]).strip()
        assert part in (char.strip(), "") or char == " "


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from("가나다 하다은는이가\n.ㅋA1漢😀\u1100\u1161 "), max_size=40))
def test_only_blanks_change(text: str) -> None:
    for keep in (True, False):
        made = respace(text, keep=keep)
        assert whole(made.text) == whole(text)
        assert len(made.places) == len(made.text)
        assert list(made.places) == sorted(made.places)
        assert all(0 <= place < len(text) for place in made.places)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_sentences_without_full_stops(form: str) -> None:
    source = unicodedata.normalize(form, "안녕하세요 저는 김철수입니다 3.5% 올랐다.그래서 좋아요")  # type: ignore[arg-type]
    found = sentences(source)
    assert [one.text for one in found] == [
        "안녕하세요",
        "저는 김철수입니다",
        "3.5% 올랐다.",
        "그래서 좋아요",
    ]
    for one in found:
        assert unicodedata.normalize("NFC", source[one.start : one.end]) == one.text


def test_nothing_has_no_sentences() -> None:
    assert sentences("") == sentences(" \n") == []
    assert respace("").text == ""
    with pytest.raises(OptionError):
        respace(None)  # type: ignore[arg-type]


def test_where_the_extra_is_missing_the_error_says_so() -> None:
    code = (
        "import sys; sys.modules['kiwipiepy'] = None\n"
        "from ondol.errors import MissingExtra\nfrom ondol.hangul import respace\n"
        "try: respace('가나다')\nexcept MissingExtra as exc: print(exc.fix)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ondol[korean]" in ran.stdout
