"""Payment cards: 14 to 16 digits of a known network, the last by Luhn (ISO/IEC 7812-1)."""

import re
from collections.abc import Iterator

from ondol.privacy.found import Found
from ondol.privacy.labels import judged, label_before

_DIGITS = re.compile(r"(?<![\dA-Za-z-])(?<!\d )\d(?:[ -]?\d){13,15}(?![\dA-Za-z])(?![ -]\d)")
_SHAPES = {(16,), (15,), (14,), (4, 4, 4, 4), (4, 6, 5), (4, 6, 4)}
_NETWORKS = re.compile(r"4|5[1-5]|2[2-7]|3[4-9]|6|9")
"""Visa, Mastercard, Amex, Diners, JCB, UnionPay and Discover, and cards for Korea alone."""


def find(text: str) -> Iterator[Found]:
    """Card numbers, as one or in the groups that are printed on them."""
    for match in _DIGITS.finditer(text):
        groups = re.split("[ -]", match[0])
        digits = "".join(groups)
        if tuple(map(len, groups)) not in _SHAPES:
            continue
        grouped, good = len(groups) > 1, luhn(digits) and bool(_NETWORKS.match(digits))
        base = (0.95 if grouped else 0.65) if good else (0.3 if grouped else 0.1)
        label = label_before(text, match.start())
        confidence = judged(base, label, "card", 0.97 if good else 0.6)
        yield Found("card", match.start(), match.end(), round(confidence, 2))


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others."""
    doubled = (int(d) * (1 + at % 2) for at, d in enumerate(reversed(digits)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0
