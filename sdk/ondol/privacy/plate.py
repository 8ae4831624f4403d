"""차량번호: two or three digits, a syllable that plates have, four digits.

Syllables: 자동차 등록번호판 등의 기준에 관한 고시, for private, commercial and hired cars.
"""

import re
from collections.abc import Iterator

from ondol.privacy.found import Found
from ondol.privacy.labels import judged, label_after, label_before

_SYLLABLES = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주바사아자배하허호"
_COUNTERS = frozenset("조호주가보오도로서구자")
"""Syllables that also stand between numbers: 10조 5000억, 101호 1234."""

_PLATE = re.compile(
    r"(?<![\dA-Za-z.,])(?P<region>(?:서울|부산|대구|인천|광주|대전|울산|세종|경기|강원|충북|충남|전북|전남|"
    rf"경북|경남|제주) ?)?\d{{2,3}} ?(?P<kind>[{_SYLLABLES}])(?P<gap> ?)\d{{4}}"
    r"(?![\dA-Za-z-]|[,.]\d|\s?(?:억|만|천|원|명|개|호|년|번|건|대|점|회|장|권|세대|톤|시|㎡|평))"
)


def find(text: str) -> Iterator[Found]:
    """Number plates."""
    for match in _PLATE.finditer(text):
        base = 0.8
        if match["region"]:
            base = 0.9
        elif match["gap"]:
            base = 0.35 if match["kind"] in _COUNTERS else 0.6
        label = label_before(text, match.start())
        if label is None and label_after(text, match.end(), "plate"):
            label = "plate"
        confidence = judged(base, label, "plate", 0.95)
        yield Found("plate", match.start(), match.end(), round(confidence, 2))
