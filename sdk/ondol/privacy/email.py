"""E-mail addresses, as people write them (RFC 5321 without quoted parts)."""

import re
from collections.abc import Iterator

from ondol.privacy.found import Found

_ADDRESS = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63} ?@ ?"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,5}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)

_FILES = frozenset(
    ("css", "csv", "doc", "docx", "gif", "hwp", "hwpx", "html", "jpg", "json", "md", "pdf", "png")
    + ("pptx", "py", "txt", "xlsx", "xml", "zip")
)
"""What ends a file's name rather than a domain."""


def find(text: str) -> Iterator[Found]:
    """E-mail addresses."""
    for match in _ADDRESS.finditer(text):
        confidence = 0.75 if " " in match[0] else 0.98
        if match[0].rpartition(".")[2].lower() in _FILES:
            confidence = 0.2
        yield Found("email", match.start(), match.end(), confidence)
