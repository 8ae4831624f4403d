"""Particles that agree with the word in front: 은/는, 이/가, (으)로 and the rest.

They go by how the word ends when it is read aloud (`ondol.hangul.ending`). Where that is not
known, both forms are written, as Korean does: 鄭은(는).
"""

import re
from functools import lru_cache

from ondol.errors import OptionError
from ondol.hangul.ending import read_ending
from ondol.hangul.given import given
from ondol.hangul.jamo import syllable
from ondol.language import say

Forms = tuple[str, str]
"""The form after a consonant, and the one after a vowel."""

PAIRS: tuple[Forms, ...] = (
    ("은", "는"),
    ("이", "가"),
    ("을", "를"),
    ("과", "와"),
    ("아", "야"),
    ("이에요", "예요"),
    ("이어요", "여요"),
    ("이었", "였"),
)
"""Pairs that follow no rule of `FAMILIES`; with anything behind both (이었다/였다) too."""

FAMILIES = ("으", "이")
"""What the form after a consonant has in front of the other: 으로/로, 이나/나, 이여/여, 이라/라."""

_SETTLED = re.compile(
    r"은\(는\)|는\(은\)|이\(가\)|가\(이\)|을\(를\)|를\(을\)|과\(와\)|와\(과\)|아\(야\)|야\(아\)"
    r"|\(으\)로(?=서|써|부터|는|도|만|의|라도|\W|\Z)|\(이\)(?=나|랑|라|란|며|든|고|여|에요|다)"
)
_FORMS = {"은는", "이가", "을를", "과와", "아야"}


def josa(word: str, pair: str) -> str:
    """A word with the particle that fits it: josa("사과", "은/는") is "사과는".

    Args:
        word: Hangul, digits, units, Latin letters, signs; brackets and quotes behind it are
            skipped. Pronouns do not change: josa("나", "이/가") is "나가".
        pair: both forms, in either order: "은/는", "이/가", "을/를", "과/와", "으로/로", "(으)로",
            "이나/나", "이에요/예요", "아/야", "은(는)"; any other of the families 이…/… and 으…/….

    Raises:
        OptionError: if the word is empty or no text, or no such pair is known.
    """
    return given(word) + particle(word, pair)


def particle(word: str, pair: str) -> str:
    """The particle alone: particle("사과", "은/는") is "는"; arguments as of `josa`.

    Raises:
        OptionError: if the word is empty or no text, or no such pair is known.
    """
    forms = _forms(given(pair))
    if not given(word).strip():
        raise OptionError(
            say("There is no word to put a particle to.", "조사를 붙일 말이 없습니다."),
            say("The word is empty or blank.", "말이 비어 있거나 빈칸뿐입니다."),
            say("Give a word, such as 사과.", "'사과'처럼 말을 주세요."),
        )
    return _chosen(word, forms)


def settle_josa(text: str) -> str:
    """A text whose open particles are settled: "사과을(를) 3개(으)로" is "사과를 3개로".

    What is settled: 은(는), 이(가), 을(를), 과(와), 아(야) in either order, (으)로 and (이)나 and
    their like. A particle after nothing, or after what nobody knows how to read, stays open.

    Raises:
        OptionError: if it is no text.
    """
    whole = given(text)
    made: list[str] = []
    done = 0
    for found in _SETTLED.finditer(whole):
        before = whole[done : found.start()]
        made.append(before)
        said = before.split("\n")[-1].rpartition(" ")[2] if before.strip() else ""
        made.append(_settled(found[0], _with_unit(before, said)))
        done = found.end()
    return "".join(made) + whole[done:]


def _with_unit(before: str, said: str) -> str:
    """The last word with the number in front of it where it may be a unit: 7 kg."""
    head = before[: len(before) - len(said)].rstrip(" ")
    return f"{head[-1]} {said}" if head[-1:].isdecimal() and said.isascii() else said


def _settled(written: str, word: str) -> str:
    plain = written.replace("(", "").replace(")", "")
    reading = read_ending(word)
    if not reading:
        return written
    if plain in ("이", "으로"):
        rest = plain[1:]
        return rest if _takes_vowel_form(reading, plain[0]) else plain
    pair = plain if plain in _FORMS else plain[::-1]
    return pair[1] if _open(reading) else pair[0]


def _chosen(word: str, forms: Forms) -> str:
    closed, opened = forms
    reading = read_ending(word)
    if not reading:
        return _both(forms)
    family = "으" if closed == f"으{opened}" else ""
    return opened if _takes_vowel_form(reading, family) else closed


def _takes_vowel_form(reading: str, family: str) -> bool:
    """Whether a reading takes the second form; after ㄹ the family of 으 does too."""
    return _open(reading) or (family == "으" and _coda(reading) == "ㄹ")


def _open(reading: str) -> bool:
    return _coda(reading) == ""


def _coda(reading: str) -> str:
    last = reading[-1]
    found = syllable(last)
    if found:
        return found.coda
    return "" if "ㅏ" <= last <= "ㅣ" else last


def _both(forms: Forms) -> str:
    closed, opened = forms
    for family in FAMILIES:
        if closed == family + opened:
            return f"({family}){opened}"
    return f"{closed}({opened})"


@lru_cache(512)
def _forms(pair: str) -> Forms:
    """The two forms of a pair as it was written."""
    plain = "".join(pair.split())
    sides = plain.split("/")
    if len(sides) == 1 and "(" in plain:
        sides = _from_brackets(plain)
    if len(sides) == 2:
        for closed, opened in (sides, sides[::-1]):
            if _known(closed, opened):
                return closed, opened
    listed = ", ".join("/".join(each) for each in PAIRS)
    raise OptionError(
        say(f"{pair!r} is no pair of particles.", f"{pair!r}은(는) 조사의 짝이 아닙니다."),
        say(
            "Both forms are needed, that after a consonant and that after a vowel.",
            "받침이 있을 때와 없을 때의 두 꼴이 필요합니다.",
        ),
        say(
            f"Write one of {listed}, 으로/로, 이나/나.",
            f"다음처럼 쓰세요: {listed}, 으로/로, 이나/나",
        ),
    )


def _from_brackets(plain: str) -> list[str]:
    """은(는) is 은 and 는; (으)로 is 으로 and 로."""
    found = re.fullmatch(r"(\w*)\((\w+)\)(\w*)", plain)
    if found is None:
        return []
    front, inside, behind = found.groups()
    if front or _known(inside, behind):
        return [front + behind, inside + behind] if front else [inside, behind]
    return [inside + behind, behind]


def _known(closed: str, opened: str) -> bool:
    if not opened or not closed:
        return False
    if closed in ("으로", "이") or any(closed == family + opened for family in FAMILIES):
        return (
            closed == f"으{opened}" or closed == f"이{opened}" or (closed, opened) == ("이", "가")
        )
    return any(
        closed.startswith(a) and opened.startswith(b) and closed[len(a) :] == opened[len(b) :]
        for a, b in PAIRS
    )
