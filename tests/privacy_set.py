"""The labelled Korean sentences of tests/fixtures/privacy, and how findings are scored on them."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ondol.privacy import KINDS, Found, Kind

FOLDER = Path(__file__).parent / "fixtures" / "privacy"
HALVES = ("tuned_on", "held_out")
_MARKED = re.compile(r"\{([a-z-]+):([^}]*)\}")
_ESCAPED = re.compile(r"\\u([0-9a-f]{4})")

Span = tuple[Kind, int, int]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and the personal data in it: kind, start, end."""

    text: str
    spans: tuple[Span, ...]


@dataclass(slots=True)
class Score:
    """Counts of one kind. `whole` are those of `hit` of which no character is left over."""

    there: int = 0
    hit: int = 0
    whole: int = 0
    found: int = 0
    right: int = 0

    @property
    def precision(self) -> float:
        """Found that touch what is there of the same kind; 1 where nothing was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """There that are touched by what was found of the same kind."""
        return self.hit / self.there if self.there else 1.0

    def add(self, other: "Score") -> None:
        for name in ("there", "hit", "whole", "found", "right"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def sentences(half: str) -> Iterator[Sentence]:
    """The sentences of a half: see the README beside them for the form."""
    for line in (FOLDER / f"{half}.txt").read_text("utf-8").splitlines():
        yield parsed(line)


def parsed(line: str) -> Sentence:
    """One line as a sentence."""
    decomposed = line.startswith("@nfd ")
    line = _ESCAPED.sub(lambda m: chr(int(m[1], 16)), line.removeprefix("@nfd "))
    form: Literal["NFC", "NFD"] = "NFD" if decomposed else "NFC"
    text, spans, at = "", [], 0
    for match in _MARKED.finditer(line):
        text += unicodedata.normalize(form, line[at : match.start()])
        value = unicodedata.normalize(form, match[2])
        kind = next(kind for kind in KINDS if kind == match[1])
        spans.append((kind, len(text), len(text) + len(value)))
        text, at = text + value, match.end()
    return Sentence(text + unicodedata.normalize(form, line[at:]), tuple(spans))


def scored(
    found_in: Callable[[str], Iterable[Span]], half: str, kinds: Iterable[Kind] = KINDS
) -> dict[Kind, Score]:
    """What a finder is right and wrong about, by kind."""
    scores: dict[Kind, Score] = {kind: Score() for kind in kinds}
    for sentence in sentences(half):
        found = list(found_in(sentence.text))
        for kind, score in scores.items():
            mine = [(start, end) for what, start, end in found if what == kind]
            true = [(start, end) for what, start, end in sentence.spans if what == kind]
            score.there += len(true)
            score.found += len(mine)
            score.hit += sum(any(_touch(span, each) for each in mine) for span in true)
            score.whole += sum(any(a <= s and e <= b for a, b in mine) for s, e in true)
            score.right += sum(any(_touch(span, each) for each in true) for span in mine)
    return scores


def ours(found: Iterable[Found]) -> list[Span]:
    """Our findings as spans."""
    return [(each.kind, each.start, each.end) for each in found]


def _touch(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
