"""Numbers as words: Sino-Korean (일, 이, 삼) and native (하나, 둘, 셋)."""

import re
from decimal import Decimal

from ondol.errors import OptionError
from ondol.hangul.ending import DIGITS, MYRIADS
from ondol.language import say

MOST_DIGITS = 4 * (len(MYRIADS) + 1)
"""Longer numbers are read digit by digit; this is up to 9999극."""

LIMIT = 10**MOST_DIGITS

NATIVE_LIMIT = 100
_WRITTEN = re.compile(r"(-)?([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]+))?")
_ONES = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉")
_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_BEFORE_NOUNS = {"하나": "한", "둘": "두", "셋": "세", "넷": "네", "스물": "스무"}


def read_number(number: int | str | Decimal) -> str:
    """A number in Sino-Korean: 12345 is 만 이천삼백사십오, "-3.14" 마이너스 삼 점 일사.

    Blanks stand between myriads (한글 맞춤법, 제44항). 1 is left out in front of 십, 백, 천 and of
    a 만 that begins the number. From 10^52 on digits are read one by one.

    Args:
        number: a whole number or a decimal; a text of one, with or without commas.

    Raises:
        OptionError: if it is no number.
    """
    sign, whole, decimals = _parts(number)
    whole = whole.lstrip("0") or "0"
    words = sino(int(whole)) if len(whole) <= MOST_DIGITS else digits(whole)
    if decimals:
        words += f" 점 {digits(decimals)}"
    return f"마이너스 {words}" if sign else words


def read_native(number: int, *, before_noun: bool = False) -> str:
    """A number from 1 to 99 in native words: 21 is 스물하나, and 스물한 before a noun.

    Raises:
        OptionError: if there are no native words for it.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < NATIVE_LIMIT:
        raise OptionError(
            say(f"{number!r} has no native name.", f"{number!r}에는 고유어 이름이 없습니다."),
            say("Native numbers run from 1 to 99.", "고유어 수는 1부터 99까지입니다."),
            say("Use read_number.", "read_number를 쓰세요."),
        )
    tens, ones = _TENS[number // 10], _ONES[number % 10]
    if not before_noun:
        return tens + ones
    return tens + _BEFORE_NOUNS.get(ones, ones) if ones else _BEFORE_NOUNS.get(tens, tens)


def sino(number: int) -> str:
    """A whole number from 0 to below `LIMIT`."""
    if number == 0:
        return DIGITS[0]
    groups = []
    for name in ("", *MYRIADS):
        number, four = divmod(number, 10_000)
        if four:
            lone = name == "만" and four == 1 and number == 0
            groups.append(name if lone else _four(four) + name)
    return " ".join(reversed(groups))


def digits(text: str, zero: str = "영") -> str:
    """Digits one by one; `zero` is 공 in telephone numbers."""
    return "".join(DIGITS[int(char)] if char != "0" else zero for char in text)


def _four(number: int) -> str:
    words = ""
    for place, name in ((1000, "천"), (100, "백"), (10, "십"), (1, "")):
        digit, number = divmod(number, place)
        if digit:
            words += name if digit == 1 and name else DIGITS[digit] + name
    return words


def _parts(number: int | str | Decimal) -> tuple[bool, str, str]:
    """Sign, whole digits and decimals.

    Raises:
        OptionError: if it is no number.
    """
    plain = f"{number:f}" if isinstance(number, Decimal) else number
    if isinstance(number, int) and not isinstance(number, bool):
        plain = f"{number:d}" if abs(number) < LIMIT else f"{Decimal(number):f}"
    if isinstance(plain, str):
        found = _WRITTEN.fullmatch(plain.strip())
        if found:
            return bool(found[1]), found[2].replace(",", ""), found[3] or ""
    raise OptionError(
        say(f"{str(number):.60} is no number.", f"{str(number):.60}은(는) 수가 아닙니다."),
        say("A number has digits, commas and one point.", "수는 숫자와 쉼표, 점 하나로 씁니다."),
        say("Write it like 12,345.6.", "12,345.6처럼 쓰세요."),
    )
