"""Telephone numbers: mobile, by region, internet, safe and representative ones, and from abroad.

Prefixes: 전기통신번호관리세칙 (the numbering plan of the ministry).
"""

import re
from collections.abc import Iterator

from ondol.privacy.found import Found
from ondol.privacy.labels import judged, label_before

_START = r"(?<![\dA-Za-z])(?<!\d-)(?<!\d\.)"
_END = r"(?![\dA-Za-z])(?!-\d)(?!\.\d)"
_ABROAD = r"(?:\+|00)?82\)?[-. ]?(?:\(0\))?"
_GAP = r" ?[-.)/]? ?"

_MOBILE = re.compile(
    rf"{_START}\(?(?:{_ABROAD}0?|0)1[016789]{_GAP}\d{{3,4}}{_GAP}\d{{4}}{_END}",
)
_REGION = re.compile(
    rf"{_START}\(?(?:{_ABROAD}0?|0)(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|80|50[2-8]){_GAP}"
    rf"\d{{3,4}}{_GAP}\d{{4}}{_END}"
)
_REPRESENTATIVE = re.compile(
    r"(?<![\dA-Za-z])(?<!\d[-.])"
    r"1(?:5(?:22|33|44|66|77|88|99)|6(?:00|11|33|44|55|60|61|66|68|70|88)|8(?:00|11|33|55|66|77|"
    r"99))"
    rf"[-. ]\d{{4}}{_END}(?! ?년)"
)
_SPOKEN_DIGIT = "[공영일이삼사오육칠팔구]"
_SPOKEN = re.compile(
    rf"(?<![가-힣])[공영]일[공영일육칠팔구](?:에|의)?[ -]?{_SPOKEN_DIGIT}{{4}}(?:에|의)?[ -]?"
    rf"{_SPOKEN_DIGIT}{{4}}"
)


def find(text: str) -> Iterator[Found]:
    """Telephone numbers."""
    for match in _MOBILE.finditer(text):
        yield from _found(text, match, 0.8 if _bare(match[0]) else 0.95, 0.97)
    for match in _REGION.finditer(text):
        yield from _found(text, match, 0.4 if _bare(match[0]) else 0.85, 0.9)
    for match in _REPRESENTATIVE.finditer(text):
        yield from _found(text, match, 0.55, 0.85)
    for match in _SPOKEN.finditer(text):
        yield from _found(text, match, 0.75, 0.9)


def _bare(number: str) -> bool:
    return number.isdecimal()


def _found(text: str, match: re.Match[str], base: float, named: float) -> Iterator[Found]:
    start, end = match.start(), match.end()
    if match[0].startswith("(") and ")" not in match[0]:
        start += 1  # the bracket is around the number, not part of it
    confidence = judged(base, label_before(text, start), "phone", named)
    yield Found("phone", start, end, round(confidence, 2))
