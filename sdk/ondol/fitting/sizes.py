"""Sizes of memory as people write them: "300MB", "1.5GiB"."""

import re

from ondol.errors import OptionError
from ondol.language import say

UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 1 << 10,
    "mib": 1 << 20,
    "gib": 1 << 30,
}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)")


def size(text: str) -> int:
    """Bytes of a size such as "300MB" (10^6), "250MiB" (2^20) or "1.5GB".

    Raises:
        OptionError: if it is none, or is zero.
    """
    found = _SIZE.fullmatch(text.strip().lower())
    unit = UNITS.get(found[2]) if found else None
    bytes_ = int(float(found[1]) * unit) if found and unit else 0
    if bytes_ < 1:
        raise OptionError(
            say(f"{text!r} is no size of memory.", f"{text!r}은(는) 메모리 크기가 아닙니다."),
            say(
                "A size is a number and KB, MB, GB, KiB, MiB or GiB.",
                "크기는 수와 단위(KB, MB, GB, KiB, MiB, GiB)로 적습니다.",
            ),
            say("For example: 300MB or 1.5GB", "예: 300MB 또는 1.5GB"),
        )
    return bytes_
