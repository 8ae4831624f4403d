"""Korean as it is written and said: particles, jamo, numbers, romanisation, speech levels.

Functions without state, on text in any normal form; what they give back is NFC. Each name is
loaded when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ondol.hangul.ending import read_ending as read_ending
    from ondol.hangul.forms import normalise as normalise
    from ondol.hangul.jamo import Syllable as Syllable
    from ondol.hangul.jamo import choseong as choseong
    from ondol.hangul.jamo import compose as compose
    from ondol.hangul.jamo import decompose as decompose
    from ondol.hangul.jamo import has_batchim as has_batchim
    from ondol.hangul.numerals import read_native as read_native
    from ondol.hangul.numerals import read_number as read_number
    from ondol.hangul.particles import josa as josa
    from ondol.hangul.particles import particle as particle
    from ondol.hangul.particles import settle_josa as settle_josa
    from ondol.hangul.reading import read_aloud as read_aloud
    from ondol.hangul.romanising import romanise as romanise
    from ondol.hangul.romanising import transliterate as transliterate
    from ondol.hangul.searching import Query as Query
    from ondol.hangul.searching import find_choseong as find_choseong

_HOMES = {
    "Query": "searching",
    "Syllable": "jamo",
    "choseong": "jamo",
    "compose": "jamo",
    "decompose": "jamo",
    "find_choseong": "searching",
    "has_batchim": "jamo",
    "josa": "particles",
    "normalise": "forms",
    "particle": "particles",
    "read_aloud": "reading",
    "read_ending": "ending",
    "read_native": "numerals",
    "read_number": "numerals",
    "romanise": "romanising",
    "settle_josa": "particles",
    "transliterate": "romanising",
}

__all__ = [
    "Query",
    "Syllable",
    "choseong",
    "compose",
    "decompose",
    "find_choseong",
    "has_batchim",
    "josa",
    "normalise",
    "particle",
    "read_aloud",
    "read_ending",
    "read_native",
    "read_number",
    "romanise",
    "settle_josa",
    "transliterate",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
