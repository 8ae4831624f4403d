"""IP addresses, which the courts and the commission (PIPC) count as personal data."""

import ipaddress
import re
from collections.abc import Iterator

from ondol.privacy.found import Found
from ondol.privacy.labels import judged, label_before

_V4 = re.compile(r"(?<![\dA-Za-z.-])\d{1,3}(?:\.\d{1,3}){3}(?![\dA-Za-z])(?!\.\d)")
_V6 = re.compile(r"(?<![\dA-Za-z:])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\dA-Za-z:])")


def find(text: str) -> Iterator[Found]:
    """IPv4 and IPv6 addresses of hosts; a version number of four parts looks like one."""
    for match in _V4.finditer(text):
        yield from _judged(text, match, 0.7)
    for match in _V6.finditer(text):
        yield from _judged(text, match, 0.85 if match[0].count(":") > 2 else 0.3)


def _judged(text: str, match: re.Match[str], base: float) -> Iterator[Found]:
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return
    if address.is_loopback or address.is_unspecified or match[0].startswith("255."):
        base = 0.1  # nobody's
    elif address.version == 4 and all(int(part) < 20 for part in match[0].split(".")):
        base -= 0.3  # a version rather than a host
    label = label_before(text, match.start())
    confidence = judged(base, label, "ip-address", max(base, 0.1) + 0.2 if base > 0.1 else base)
    yield Found("ip-address", match.start(), match.end(), round(min(confidence, 0.95), 2))
