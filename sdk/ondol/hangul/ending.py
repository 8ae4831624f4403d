"""How the end of a word is read aloud, whatever it is written in: what a particle goes by.

Linear in the word; only its end is read. Numbers are read as Sino-Korean, digits behind a point
one by one. Latin in capitals, and without a vowel, is read letter by letter; other words by the
spelling rules of loanwords (외래어 표기법, 제3장 제1절), which guess well and not always.
"""

import re
import unicodedata

from ondol.hangul.given import given
from ondol.hangul.jamo import syllable
from ondol.hangul.units import CURRENCIES, LETTERS, SIGNS, UNITS, WORDS

DIGITS = "영일이삼사오육칠팔구"
PLACES = "십백천"
MYRIADS = ("만", "억", "조", "경", "해", "자", "양", "구", "간", "정", "재", "극")
MOST_CAPITALS = 5  # longer words in capitals are read as words

_OPENS = "([{〔【（［｛"
_CLOSES = ")]}〕】）］｝"
_PRIMES = "′″"  # a quotation mark where no number is in front
_VOWELS = "aeiouy"
_LONGEST_UNIT = max(map(len, UNITS))
_SILENT = (("mb", "m"), ("mn", "m"), ("gn", "n"))
_SPELT = {"m": "ㅁ", "n": "ㄴ", "l": "ㄹ", "p": "ㅂ", "t": "ㅅ", "k": "ㄱ", "c": "ㄱ"}


def read_ending(word: str) -> str:
    """How a word's end is read, in Hangul: "7kg" 킬로그램, "LG" 지, "2026" 육, "정(鄭)" 정.

    Brackets behind a word, quotation marks and other marks are skipped (국립국어원: a particle
    agrees with what stands in front of the bracket). A hint of the sound is enough for Latin
    words: of "Python" it is ㄴ, of "Chrome" ㅁ, and "으" where no consonant closes the syllable.

    Returns:
        At least the last sound; empty where nothing is known, as of Hanja and emoji.

    Raises:
        OptionError: if it is no text.
    """
    end = _end(given(word))
    if not end:
        return ""
    last = end[-1]
    if syllable(last):
        return last
    if last.isdecimal() or unicodedata.category(last) in ("No", "Nl"):
        return _number(end)
    unit = _unit(end)
    if unit:
        return unit
    if "HANGUL" in unicodedata.name(last, ""):
        return SIGNS.get(last, last)
    sign = unicodedata.normalize("NFKC", last).lower()
    return _latin(end) or SIGNS.get(sign, "") or CURRENCIES.get(last, "")


def _end(word: str) -> str:
    """A word without marks and brackets behind it; what is in brackets where it stands alone."""
    opened = _brackets(word)
    start, end = 0, len(word)
    while True:
        inner, at = None, end
        while at > start:
            opening = opened.get(at - 1, -1)
            if opening >= start:
                inner = inner or (opening + 1, at - 1)
                at = opening
            elif _silent(word[at - 1], word[max(at - 2, 0)]):
                at -= 1
            else:
                return word[:at]
        if inner is None:
            return ""
        start, end = inner


def _brackets(word: str) -> dict[int, int]:
    """Where each bracket that closes was opened."""
    found: dict[int, int] = {}
    stack: list[int] = []
    for at, char in enumerate(word):
        if char in _OPENS:
            stack.append(at)
        elif char in _CLOSES and stack:
            found[at] = stack.pop()
    return found


def _silent(char: str, before: str) -> bool:
    """Whether a character has no sound and no name here: marks, blanks, emoji, selectors."""
    if char in SIGNS or char in CURRENCIES:
        return False
    if unicodedata.normalize("NFKC", char)[-1].isalnum():  # ㎏ and ㉠ are symbols by category
        return False
    if char in UNITS and (before.isdecimal() or char not in _PRIMES):
        return False
    return unicodedata.category(char)[0] in "PZSCM"


def _unit(end: str) -> str:
    """The reading of a unit that stands behind a number; empty where none does."""
    plain = end[-_LONGEST_UNIT - 2 :]
    if not plain[-1:].isascii() and plain[-1] not in UNITS:
        plain = plain[:-1] + unicodedata.normalize("NFKC", plain[-1])
    for size in range(min(_LONGEST_UNIT, len(plain) - 1), 0, -1):
        name = plain[-size:].replace("µ", "μ").replace("ℓ", "l")
        if name in UNITS and plain[:-size].rstrip(" ")[-1:].isdecimal():
            return UNITS[name]
    return ""


def _number(end: str) -> str:
    last = end[-1]
    if not last.isdecimal():
        return _numeric(last)
    at = len(end)
    while at and (end[at - 1].isdecimal() or end[at - 1] in ",."):
        at -= 1
    if at and end[at - 1] in CURRENCIES:
        return CURRENCIES[end[at - 1]]
    word = re.search(r"[A-Za-z]+[0-9]\Z", end[-8:])
    if word and word[0].lower() in WORDS:
        return WORDS[word[0].lower()]
    _, point, decimals = end[at:].lstrip(",.").rpartition(".")
    digits = "".join(str(unicodedata.digit(char)) for char in decimals if char != ",")
    zeros = len(digits) - len(digits.rstrip("0"))
    if point or not zeros or zeros == len(digits) or digits[0] == "0":
        return DIGITS[int(digits[-1])]
    if zeros < 4:
        return PLACES[zeros - 1]
    myriad = zeros // 4
    return MYRIADS[myriad - 1] if myriad <= len(MYRIADS) else DIGITS[0]


def _numeric(last: str) -> str:
    """Signs that stand for numbers: ⅳ, ③, ½, which is read from its lower part up."""
    value = unicodedata.numeric(last, -1.0)
    if 0.0 < value < 1.0:
        return _number(unicodedata.normalize("NFKC", last).partition("⁄")[0])
    return _number(str(int(value))) if value >= 0.0 else ""


def _latin(end: str) -> str:
    """The last sound of Latin letters at the end, by name, list or spelling."""
    tail = unicodedata.normalize("NFKD", end[-40:])
    plain = "".join(char for char in tail if not unicodedata.combining(char))
    found = re.search(r"[A-Za-z]+\Z", plain)
    if found is None:
        return ""
    word = found[0]
    vowels = any(char in _VOWELS for char in word.lower())
    if len(word) > 1 and not vowels and word in UNITS:
        return UNITS[word]
    if word.lower() in WORDS:
        return WORDS[word.lower()]
    part = re.search(r"(?:[A-Z]+|[A-Z]?[a-z]+)\Z", word)
    word = part[0] if part else word
    if word.lower() in WORDS:
        return WORDS[word.lower()]
    capitals = word.isupper() and len(word) <= MOST_CAPITALS
    if len(word) == 1 or capitals or not any(char in _VOWELS for char in word.lower()):
        return LETTERS[word[-1].upper()]
    return _spelt(word.lower())


def _spelt(word: str) -> str:
    """The coda that a word's spelling ends in, as loanwords are written; 으 without one."""
    for written, said in _SILENT:
        if word.endswith(written):
            word = word.removesuffix(written) + said
    silent_e = word.endswith("e") and any(char in _VOWELS for char in word[:-1])
    if silent_e:
        word = word[:-1]
        if word[-1] not in "mnl":
            return "으"
    if word[-1] in "mnl" or word.endswith("ng"):
        return "ㅇ" if word.endswith("ng") else _SPELT[word[-1]]
    stem = word.removesuffix("ck") + "k" if word.endswith("ck") else word
    if stem[-1] not in _SPELT or len(stem) < 2 or stem[-2] not in _VOWELS:
        return "으"
    pair = stem[-3:-1]
    long_vowel = len(pair) == 2 and pair[0] in _VOWELS and pair != "ou"
    if long_vowel and not stem.endswith(("ook", "uit", "iot", "iat")) and pair not in ("io", "ua"):
        return "으"
    return _SPELT[stem[-1]]
