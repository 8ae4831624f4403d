"""Sentences and spacing by morphology, through kiwipiepy (extra `korean`); places are kept."""

import threading
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from ondol.errors import MissingExtra
from ondol.hangul.forms import composed
from ondol.language import say

if TYPE_CHECKING:
    from kiwipiepy import Kiwi

_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence in NFC, and where it stands in the text as it was given."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Respaced:
    """A text whose spacing was restored.

    Attributes:
        text: in NFC.
        places: for each character of `text` the place in the text as it was given; of a blank
            that was put in, the place of what follows it.
    """

    text: str
    places: tuple[int, ...]


def respace(text: str, *, keep: bool = True) -> Respaced:
    """A text with blanks where Korean orthography wants them: 아버지가방에들어가신다.

    Only blanks change; lines stay lines.

    Args:
        text: in any normal form.
        keep: whether blanks that are there stay; False: they are all decided anew.

    Raises:
        MissingExtra: if kiwipiepy is not installed.
        OptionError: if it is no text.
    """
    made, places = composed(text)
    chars: list[str] = []
    found: list[int] = []
    start = 0
    for line in made.splitlines(keepends=True):
        body = line.rstrip()
        spaced = _kiwi_space(body, keep) if body.strip() else body
        for char, at in _aligned(spaced, body, start):
            chars.append(char)
            found.append(places[at])
        rest = range(start + len(body), start + len(line))
        chars += made[rest.start : rest.stop]
        found += (places[at] for at in rest)
        start += len(line)
    return Respaced("".join(chars), tuple(found))


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text, also where no full stop or blank is between them.

    Raises:
        MissingExtra: if kiwipiepy is not installed.
        OptionError: if it is no text.
    """
    made, places = composed(text)
    places.append(len(text))
    if not made.strip():
        return []
    with _LOCK:
        # One text gives sentences, several give lists of them; its types know only of both
        found: Any = _kiwi().split_into_sents(made, return_sub_sents=False)
    return [Sentence(made[s.start : s.end], places[s.start], places[s.end]) for s in found]


def _kiwi_space(text: str, keep: bool) -> str:
    with _LOCK:
        made = _kiwi().space(text, reset_whitespace=not keep)
    return made if isinstance(made, str) else text


def _aligned(spaced: str, source: str, start: int) -> list[tuple[str, int]]:
    """The characters of the source with the blanks of what was spaced, each with its place.

    The two are read side by side. Where they differ in anything but blanks, the source is right.
    """
    found: list[tuple[str, int]] = []
    at = 0
    for char in spaced:
        if char.isspace():
            if found and not found[-1][0].isspace() and at < len(source):
                found.append((source[at] if source[at].isspace() else " ", start + at))
            continue
        while at < len(source) and source[at].isspace():
            at += 1
        if at < len(source):
            found.append((source[at], start + at))
            at += 1
    found += ((source[rest], start + rest) for rest in range(at, len(source)))
    return found


@cache
def _kiwi() -> "Kiwi":
    try:
        from kiwipiepy import Kiwi
    except ImportError as exc:
        raise MissingExtra(
            say("kiwipiepy is not installed.", "kiwipiepy가 설치되어 있지 않습니다."),
            say(
                "Sentences and spacing need its morphology of Korean.",
                "문장 나누기와 띄어쓰기에는 형태소 분석이 필요합니다.",
            ),
            "pip install 'ondol[korean]'",
        ) from exc
    return Kiwi(num_workers=1)
