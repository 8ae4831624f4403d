"""여권번호 and 운전면허번호.

Passports: a letter and eight digits, or since December 2021 a letter, three digits, a letter and
four digits (외교부). Licences: place, year, serial, check digits (경찰청); the check is not public.
"""

import re
from collections.abc import Iterator

from ondol.privacy.found import Found
from ondol.privacy.labels import judged, label_before

_PASSPORT = re.compile(
    r"(?<![A-Za-z0-9-])(?:(?P<new>[MSRODTG][ -]?\d{3}[A-Z]\d{4})|(?P<old>[MSRODTG][ -]?\d{8})"
    r"|(?P<older>[A-Z]{2}[ -]?\d{7}))(?![A-Za-z0-9])(?!-\d)"
)
_FORMS = {"new": (0.6, 0.97), "old": (0.35, 0.95), "older": (0.2, 0.85)}
_PLACES = "서울|부산|경기|강원|충북|충남|전북|전남|경북|경남|제주|대구|인천|광주|대전|울산"
_LICENCE = re.compile(
    rf"(?<![\dA-Za-z-])(?:1[1-9]|2[0-8]|(?:{_PLACES}))[- ]{{1,2}}\d{{2}}[- ]\d{{6}}[- ]?\d{{2}}"
    r"(?![\dA-Za-z])(?!-\d)"
)
_BARE = re.compile(r"(?<![\dA-Za-z-])(?:1[1-9]|2[0-8])\d{10}(?![\dA-Za-z-])")


def passports(text: str) -> Iterator[Found]:
    """Passport numbers; the forms that many serial numbers have need a word that names them."""
    for match in _PASSPORT.finditer(text):
        base, named = _FORMS[match.lastgroup or "older"]
        confidence = judged(base, label_before(text, match.start()), "passport", named)
        yield Found("passport", match.start(), match.end(), round(confidence, 2))


def licences(text: str) -> Iterator[Found]:
    """Driver's licence numbers."""
    for pattern, base, named in ((_LICENCE, 0.8, 0.97), (_BARE, 0.1, 0.8)):
        for match in pattern.finditer(text):
            confidence = judged(base, label_before(text, match.start()), "driver-licence", named)
            yield Found("driver-licence", match.start(), match.end(), round(confidence, 2))
