"""Bytes to text: Unicode by its mark or by trial, else what Korean Windows writes."""

import codecs
import re

from ondol.retrieval.limits import corrupt

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_:.-]{2,40})""", re.IGNORECASE)
_WIDER = {"euc_kr": "cp949", "iso2022_kr": "iso2022_kr", "iso8859-1": "cp1252"}
"""Encodings that files declare, and the wider ones they are in fact written in."""


def decode(data: bytes, *, declared: bool = False) -> str:
    """Text of a file.

    Args:
        data: the whole file.
        declared: whether a `charset=` near the start is heeded, as HTML has it.

    Raises:
        CorruptDocument: if no encoding fits.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data, (encoding,))
    tried = ["utf-8", "cp949"]
    found = _DECLARED.search(data[:2048]) if declared else None
    if found:
        try:
            name = codecs.lookup(found[1].decode("ascii")).name
            tried.insert(0, _WIDER.get(name, name))
        except LookupError:
            pass  # a name that nobody knows says nothing
    return _decoded(data, tuple(tried))


def _decoded(data: bytes, encodings: tuple[str, ...]) -> str:
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError):
            continue
        if text.count("\0") * 100 <= len(text):  # text has none; binary files are full of them
            return text
    raise corrupt("encoding: " + ", ".join(encodings))
