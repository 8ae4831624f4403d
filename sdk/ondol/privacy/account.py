"""Bank accounts: they have no check digit, so words have to name them; a bank's form confirms."""

import re
from collections.abc import Iterator

from ondol.privacy.found import Found
from ondol.privacy.labels import BEFORE, label_after, label_before

_NUMBER = re.compile(r"(?<![\dA-Za-z-])\d{2,6}(?:[ -]\d{1,7}){1,3}(?![\dA-Za-z])(?!-\d)")
_PLAIN = re.compile(r"(?<![\dA-Za-z-])\d{10,14}(?![\dA-Za-z-])")
_MOBILE = re.compile(r"01[016789]")

FORMS: tuple[tuple[str, frozenset[tuple[int, ...]]], ...] = (
    (r"국민|KB", frozenset({(6, 2, 6), (3, 2, 4, 3)})),
    (r"신한", frozenset({(3, 3, 6), (3, 2, 6)})),
    (r"우리", frozenset({(4, 3, 6), (3, 6, 2, 3)})),
    (r"하나", frozenset({(3, 6, 5), (3, 6, 3), (3, 4, 7)})),
    (r"농협|NH", frozenset({(3, 4, 4, 2), (3, 2, 6), (6, 2, 6)})),
    (r"기업|IBK", frozenset({(3, 6, 2, 3), (3, 3, 6)})),
    (r"카카오|카뱅", frozenset({(4, 2, 7)})),
    (r"케이뱅크", frozenset({(3, 3, 6), (3, 2, 6)})),
    (r"토스", frozenset({(4, 4, 4)})),
    (r"수협", frozenset({(3, 2, 6), (4, 4, 4)})),
    (r"제일|SC", frozenset({(3, 2, 6)})),
    (r"부산", frozenset({(3, 4, 4, 2), (3, 2, 6)})),
    (r"대구|아이엠|iM", frozenset({(3, 2, 6, 1), (3, 2, 6)})),
    (r"광주|전북|제주", frozenset({(3, 3, 6), (3, 2, 7), (3, 2, 6)})),
    (r"경남", frozenset({(3, 2, 7), (3, 4, 4, 2)})),
    (r"새마을", frozenset({(4, 2, 6, 1), (4, 4, 4, 1)})),
    (r"신협", frozenset({(3, 3, 6), (5, 2, 6)})),
    (r"우체국", frozenset({(6, 2, 6)})),
)
"""Groups of digits by bank, as banks print them."""

_FORMS = tuple((re.compile(bank), shapes) for bank, shapes in FORMS)


def find(text: str) -> Iterator[Found]:
    """Account numbers that a word close by calls one."""
    for match in _NUMBER.finditer(text):
        groups = tuple(len(group) for group in re.split("[ -]", match[0]))
        if not 10 <= sum(groups) <= 14 or not _named(text, match):
            continue
        near = text[max(0, match.start() - BEFORE) : match.end() + BEFORE]
        printed = any(shape.search(near) and groups in groupings for shape, groupings in _FORMS)
        confidence = 0.95 if printed else 0.8
        if _MOBILE.match(match[0]) or " " in match[0]:
            confidence -= 0.3
        yield Found("account", match.start(), match.end(), round(confidence, 2))
    for match in _PLAIN.finditer(text):
        if _named(text, match):
            confidence = 0.55 if _MOBILE.match(match[0]) else 0.75
            yield Found("account", match.start(), match.end(), confidence)


def _named(text: str, match: re.Match[str]) -> bool:
    label = label_before(text, match.start())
    return label == "account" or (label is None and label_after(text, match.end(), "account"))
