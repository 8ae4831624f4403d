"""주민등록번호 and 외국인등록번호: six digits of a birthday, seven more.

Numbers given out before October 2020 end in a check digit (주민등록법 시행규칙, before its change
of 2020-05-26); those given out since do not, so that a wrong one only lowers the confidence.
"""

import re
from collections.abc import Iterator
from datetime import date

from ondol.privacy.found import Found, Kind
from ondol.privacy.labels import judged, label_before

_JOINED = re.compile(r"(?<![\dA-Za-z])(?<!\d-)\d{6} ?[-./]? ?[1-8]\d{6}(?![\dA-Za-z])(?!-\d)")
_SPREAD = re.compile(r"(?<![\dA-Za-z-])\d(?: ?[ -] ?\d|\d){12}(?! ?[-]? ?\d)")
_WEIGHTS = (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5)
_WITHOUT_CHECK = date(2020, 10, 5)
_OLDEST = 1915
_OLD = 1930
"""Born before this few live: the digits are more likely of something else."""


def find(text: str) -> Iterator[Found]:
    """Resident and foreigner numbers, also with spaces between their digits."""
    for match in _JOINED.finditer(text):
        yield from _judged(text, match, spread=False)
    for match in _SPREAD.finditer(text):
        yield from _judged(text, match, spread=True)


def born(digits: str) -> date | None:
    """The birthday that 13 digits begin with; None if there is none, or nobody lives with it."""
    century = 1900 if digits[6] in "1256" else 2000
    year = century + int(digits[:2])
    try:
        day = date(year, int(digits[2:4]), int(digits[4:6]))
    except ValueError:
        return None
    return day if year >= _OLDEST and day <= date.today() else None


def checks(digits: str) -> bool:
    """Whether the last of 13 digits is the check digit of the others."""
    total = sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=False))
    foreign = 2 if digits[6] in "5678" else 0
    return (11 - total % 11 + foreign) % 10 == int(digits[12])


def _judged(text: str, match: re.Match[str], *, spread: bool) -> Iterator[Found]:
    digits = "".join(filter(str.isdecimal, match[0]))
    if digits[6] not in "12345678":
        return
    birthday = born(digits)
    if birthday is None:
        return
    kind: Kind = "foreigner-number" if digits[6] in "5678" else "resident-number"
    label = label_before(text, match.start())
    if {label, kind} == {"foreigner-number", "resident-number"}:
        label = kind  # people call either by either's name
    if checks(digits):
        base = 0.95
    elif birthday >= _WITHOUT_CHECK:
        base = 0.85
    else:
        base = 0.6 if birthday.year >= _OLD else 0.4
    if spread:
        base -= 0.3
    elif match[0].isdecimal():
        base -= 0.15
    confidence = judged(base, label, kind, 0.95 if base > 0.5 or not spread else 0.8)
    yield Found(kind, match.start(), match.end(), round(confidence, 2))
