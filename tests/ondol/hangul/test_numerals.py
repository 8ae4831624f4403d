from decimal import Decimal

import pytest

from ondol.errors import OptionError
from ondol.hangul import read_native, read_number


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "영"),
        (1, "일"),
        (10, "십"),
        (11, "십일"),
        (110, "백십"),
        (1000, "천"),
        (1111, "천백십일"),
        (10000, "만"),
        (12345, "만 이천삼백사십오"),
        (110000, "십일만"),
        (100_000_000, "일억"),
        (100_010_000, "일억 일만"),
        (1_000_000_000_000, "일조"),
        (2026, "이천이십육"),
        ("1,234,567", "백이십삼만 사천오백육십칠"),
        ("-3.14", "마이너스 삼 점 일사"),
        ("0.50", "영 점 오영"),
        (Decimal("1E+3"), "천"),
        (Decimal("0.001"), "영 점 영영일"),
        ("007", "칠"),
        (10**51, "천극"),
        (10**52 + 3, "일" + "영" * 51 + "삼"),
        (-7, "마이너스 칠"),
    ],
)
def test_numbers_in_words(number: int | str | Decimal, words: str) -> None:
    assert read_number(number) == words


def test_every_number_reads_as_it_is_built() -> None:
    digit = dict(zip("일이삼사오육칠팔구", range(1, 10), strict=True))
    place = {"십": 10, "백": 100, "천": 1000}
    for number in [*range(1, 10_000), *range(10_000, 10_000_000, 7_919)]:
        whole, four, ones = 0, 0, 0
        for char in read_number(number).replace(" ", ""):
            if char in digit:
                ones = digit[char]
            elif char in place:
                four, ones = four + (ones or 1) * place[char], 0
            else:
                whole, four, ones = ((four + ones) or 1) * 10_000, 0, 0
        assert whole + four + ones == number


@pytest.mark.parametrize(
    "number", ["", "일", "1e5", "1,23", "1.", ".5", "--1", True, None, 1.5, Decimal("NaN"), "1_000"]
)
def test_what_is_no_number_is_refused(number: object) -> None:
    with pytest.raises(OptionError):
        read_number(number)  # type: ignore[arg-type]


def test_native_numbers() -> None:
    said = [read_native(n) for n in (1, 2, 5, 10, 11, 20, 21, 38, 99)]
    assert said == [
        "하나",
        "둘",
        "다섯",
        "열",
        "열하나",
        "스물",
        "스물하나",
        "서른여덟",
        "아흔아홉",
    ]
    before = [read_native(n, before_noun=True) for n in (1, 2, 3, 4, 5, 11, 20, 21, 30, 44)]
    assert before == ["한", "두", "세", "네", "다섯", "열한", "스무", "스물한", "서른", "마흔네"]


@pytest.mark.parametrize("number", [0, 100, -1, True, "3", 1.0])
def test_there_are_no_other_native_numbers(number: object) -> None:
    with pytest.raises(OptionError):
        read_native(number)  # type: ignore[arg-type]
