import unicodedata

import pytest

from ondol.errors import OptionError
from ondol.hangul import Query, find_choseong


@pytest.mark.parametrize(
    ("query", "text", "part"),
    [
        ("ㅎㄱ", "한글", "한글"),
        ("ㅎㄱ", "대한민국과 한글", "한글"),
        ("ㅎㄱ", "대 한 국", "한 국"),
        ("한ㄱ", "나는 한글을", "한글"),
        ("ㅎ글", "한글", "한글"),
        ("한그", "한글날", "한글"),
        ("ㄱㄷㅁ", "곧다물", "곧다물"),
        ("다", "닭", "닭"),
        ("달", "닭", "닭"),
        ("닥", "닭", None),
        ("한", "하나", "하나"),
        ("닭", "달걀", "달걀"),
        ("닭", "다가", None),
        ("핬", "하쓰", "하쓰"),
        ("ㄳ", "감사", "감사"),
        ("ㄳ", "ㄳ", "ㄳ"),
        ("ㅂㅄ", "바보상자", "바보상"),
        ("과", "과일", "과"),
        ("ㄱ", "ㅋㅋㄱ", "ㄱ"),
        ("ㄲ", "가까이", "까"),
        ("abㅎ", "AB형", "AB형"),
        ("１호ㅅ", "1호선", "1호선"),
        ("ㅎㄱ", "학", None),
        ("ㅎㄱ", "", None),
        ("온 돌", "온돌방", "온돌"),
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_query_is_found_where_it_is(query: str, text: str, part: str | None, form: str) -> None:
    source = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    found = find_choseong(unicodedata.normalize(form, query), source)  # type: ignore[arg-type]
    if part is None:
        assert found is None
    else:
        assert found is not None
        assert unicodedata.normalize("NFC", source[slice(*found)]) == part


def test_a_finished_query_does_not_grow() -> None:
    assert Query("달", growing=False).find("닭") is None
    assert Query("달", growing=False).find("반달") == (1, 2)
    assert Query("한", growing=False).find("하나") is None


@pytest.mark.parametrize("query", ["", "  ", "\n"])
def test_an_empty_query_is_refused(query: str) -> None:
    with pytest.raises(OptionError):
        Query(query)
