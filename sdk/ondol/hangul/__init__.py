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
    from ondol.hangul.level_endings import Level as Level
    from ondol.hangul.levels import LevelCheck as LevelCheck
    from ondol.hangul.levels import LevelledSentence as LevelledSentence
    from ondol.hangul.levels import check_level as check_level
    from ondol.hangul.levels import speech_levels as speech_levels
    from ondol.hangul.numerals import read_native as read_native
    from ondol.hangul.numerals import read_number as read_number
    from ondol.hangul.particles import josa as josa
    from ondol.hangul.particles import particle as particle
    from ondol.hangul.particles import settle_josa as settle_josa
    from ondol.hangul.reading import read_aloud as read_aloud
    from ondol.hangul.romanising import romanise as romanise
    from ondol.hangul.romanising import transliterate as transliterate
    from ondol.hangul.script_guard import ScriptGuard as ScriptGuard
    from ondol.hangul.searching import Query as Query
    from ondol.hangul.searching import find_choseong as find_choseong
    from ondol.hangul.spacing import Respaced as Respaced
    from ondol.hangul.spacing import Sentence as Sentence
    from ondol.hangul.spacing import respace as respace
    from ondol.hangul.spacing import sentences as sentences

_HOMES = {
    "Level": "level_endings",
    "LevelCheck": "levels",
    "LevelledSentence": "levels",
    "Query": "searching",
    "Respaced": "spacing",
    "ScriptGuard": "script_guard",
    "Sentence": "spacing",
    "Syllable": "jamo",
    "check_level": "levels",
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
    "respace": "spacing",
    "romanise": "romanising",
    "sentences": "spacing",
    "settle_josa": "particles",
    "speech_levels": "levels",
    "transliterate": "romanising",
}

__all__ = [
    "Level",
    "LevelCheck",
    "LevelledSentence",
    "Query",
    "Respaced",
    "ScriptGuard",
    "Sentence",
    "Syllable",
    "check_level",
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
    "respace",
    "romanise",
    "sentences",
    "settle_josa",
    "speech_levels",
    "transliterate",
]


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
