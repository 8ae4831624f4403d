"""사업자등록번호: ten digits, 3-2-5, the last a check digit (국세청)."""

import re
from collections.abc import Iterator

from ondol.privacy.found import Found
from ondol.privacy.labels import judged, label_before

_NUMBER = re.compile(r"(?<![\dA-Za-z-])\d{3}( ?- ?| ?)\d{2}\1\d{5}(?![\dA-Za-z])(?!-\d)")
_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)


def find(text: str) -> Iterator[Found]:
    """Business numbers."""
    for match in _NUMBER.finditer(text):
        digits = "".join(filter(str.isdecimal, match[0]))
        hyphens = "-" in match[0]
        good = checks(digits)
        base = (0.9 if good else 0.4) if hyphens else (0.4 if good else 0.1)
        label = label_before(text, match.start())
        confidence = judged(base, label, "business-number", 0.95 if good else 0.75)
        yield Found("business-number", match.start(), match.end(), round(confidence, 2))


def checks(digits: str) -> bool:
    """Whether the last of ten digits is the check digit of the others."""
    total = sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=False))
    return (10 - (total + int(digits[8]) * 5 // 10) % 10) % 10 == int(digits[9])
