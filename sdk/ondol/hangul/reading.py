"""Numbers in a text, read aloud: counts, dates, times, money, telephone numbers, units."""

import re
from collections.abc import Callable
from datetime import date

from ondol.hangul.counters import JOINED, counted, counter_at
from ondol.hangul.forms import normalise
from ondol.hangul.numerals import digits, read_number, sino
from ondol.hangul.units import CURRENCIES, UNITS

_NUMBER = r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?"
_SIGNS = re.escape("".join(CURRENCIES))
_KINDS = (
    ("date", r"(?<![0-9.-])[0-9]{4}(?P<mark>[-./])[0-9]{1,2}(?P=mark)[0-9]{1,2}(?![0-9-])"),
    ("spaced", r"(?<![0-9.-])[0-9]{4}\. [0-9]{1,2}\. [0-9]{1,2}\.(?![0-9])"),
    ("time", r"(?<![0-9:])[0-9]{1,2}:[0-5][0-9](?::[0-5][0-9])?(?![0-9:])"),
    ("card", r"(?<![0-9-])(?:[0-9]{4}-){3}[0-9]{4}(?![0-9-])"),
    ("phone", r"(?<![0-9-])(?:0[0-9]{1,3}-[0-9]{3,4}|1[568][0-9]{2})-[0-9]{4}(?![0-9-])"),
    ("event", r"(?<![0-9·])[0-9]{1,2}·[0-9]{1,2}(?![0-9·])"),
    ("version", r"(?<![0-9.])[0-9]{1,4}(?:\.[0-9]{1,4}){2,3}(?![0-9.])"),
    ("fraction", r"(?<![0-9/.])[0-9]{1,3}/[0-9]{1,3}(?![0-9/])"),
    ("money", rf"[{_SIGNS}] ?(?:{_NUMBER})"),
    ("range", rf"(?<![0-9~.])(?:{_NUMBER})~(?:{_NUMBER})(?![0-9~])"),
    ("number", rf"(?:(?<![0-9A-Za-z가-힣)\]-])-)?(?:{_NUMBER})"),
)
_FOUND = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _KINDS))
_SCALES = re.compile(r"[백천]?[만억조]|[백천]")
_LONGEST_UNIT = max(map(len, UNITS))


def read_aloud(text: str) -> str:
    """A text with its numbers in words: "3개" is 세 개, "2026-11-25" 이천이십육년 십일월 이십오일.

    Counters take native numbers up to 99 where Korean does (`ondol.hangul.counters`), dates,
    money, units and everything above Sino-Korean ones; telephone and card numbers go digit by
    digit. 3번 is 세 번, and 3분 three minutes: which was meant is not known. Full-width digits
    become ASCII first; words in Latin letters stay.

    Raises:
        OptionError: if it is no text.
    """
    whole = normalise(text)
    made: list[str] = []
    done = 0
    for found in _FOUND.finditer(whole):
        if found.start() < done:  # inside what a counter took with it
            continue
        made.append(whole[done : found.start()])
        reader = next((read for kind, read in _READ.items() if found[kind]), None)
        if reader is None:
            said, done = _amount(whole, found.start(), found.end())
        else:
            said, done = reader(found[0]) or _apart(found[0]), found.end()
        made.append(said)
    return "".join(made) + whole[done:]


def _amount(text: str, start: int, end: int) -> tuple[str, int]:
    """Numbers with the counter, unit or scale behind them, and where those end."""
    written = text[start:end]
    currency = CURRENCIES.get(written[0], "")
    numbers = written.lstrip(written[0] + " " if currency else "").split("~")
    ordinal = text[max(start - 1, 0) : start] == "제"
    scale = None if ordinal else _SCALES.match(text, end)
    if scale:
        *before, last = (read_number(number) for number in numbers)
        said = "에서 ".join([*before, _scaled(last, scale[0])])
        behind = counter_at(text, scale.end())
        gap = " " if currency or behind else ""
        return said + gap + currency, scale.end()
    if currency:
        return f"{read_number(numbers[0])} {currency}", end
    at = end + (text[end : end + 1] == " ")
    unit = _unit_at(text, at)
    if unit:
        return _with_unit(numbers, UNITS[unit]), at + len(unit)
    counter = counter_at(text, at)
    whole = all(number.isdigit() or "," in number and "." not in number for number in numbers)
    if counter and whole and not any(_is_code(number) for number in numbers):
        counts = [int(number.replace(",", "")) for number in numbers]
        if ordinal:
            return f"{sino(counts[0])}{'' if counter in JOINED else ' '}{counter}", at + len(
                counter
            )
        return "에서 ".join(counted(count, counter) for count in counts), at + len(counter)
    if counter:
        return f"{'에서 '.join(map(_plain, numbers))} {counter}", at + len(counter)
    return "에서 ".join(map(_plain, numbers)), end


def _with_unit(numbers: list[str], unit: str) -> str:
    read = "에서 ".join(map(_plain, numbers))
    if unit == "도" and read.startswith("마이너스 "):
        read = "영하 " + read.removeprefix("마이너스 ")
    return f"{read} {unit}"


def _scaled(read: str, scale: str) -> str:
    """3 and 만 is 삼만; 1 is left out in front of 만, 천 and 백."""
    return scale if read == "일" and scale[0] in "만천백" else read + scale


def _unit_at(text: str, at: int) -> str:
    for size in range(min(_LONGEST_UNIT, len(text) - at), 0, -1):
        name = text[at : at + size]
        follows = text[at + size : at + size + 1]
        if name in UNITS and not (follows.isascii() and follows.isalnum()):
            return name
    return ""


def _is_code(number: str) -> bool:
    return len(number) > 1 and number.startswith("0") and number.isdigit()


def _plain(number: str) -> str:
    return digits(number, "공") if _is_code(number) else read_number(number)


def _apart(text: str) -> str:
    """A text whose every number is read by itself."""
    return re.sub("[0-9]+", lambda found: _plain(found[0]), text)


def _date(text: str) -> str | None:
    year, month, day = (int(part) for part in re.findall(r"[0-9]+", text))
    try:
        date(year, month, day)
    except ValueError:
        return None
    return " ".join((counted(year, "년"), counted(month, "월"), counted(day, "일")))


def _time(text: str) -> str | None:
    hours, *rest = (int(part) for part in text.split(":"))
    if hours > 24:
        return None
    names = [f"{sino(each)} {name}" for each, name in zip(rest, ("분", "초"), strict=False)]
    if rest == [0]:
        names = []
    return " ".join((counted(hours, "시"), *names))


def _by_digits(text: str) -> str:
    return " ".join(digits(part, "공") for part in text.split("-"))


def _event(text: str) -> str:
    first, second = (int(part) for part in text.split("·"))
    whole = second % 10 == 0 or second == first  # 6·10 육십, 12·12 십이십이
    return sino(first) + (sino(second) if whole else digits(str(second)))


def _version(text: str) -> str:
    return " 점 ".join(sino(int(part)) for part in text.split("."))


def _fraction(text: str) -> str | None:
    upper, lower = (int(part) for part in text.split("/"))
    return f"{sino(lower)}분의 {sino(upper)}" if lower > 1 else None


_READ: dict[str, Callable[[str], str | None]] = {
    "date": _date,
    "spaced": _date,
    "time": _time,
    "card": _by_digits,
    "phone": _by_digits,
    "event": _event,
    "version": _version,
    "fraction": _fraction,
}
"""What is read by itself; None where it is not what it looks like. All else is an amount."""
