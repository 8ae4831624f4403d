"""`ondol assistant check`: a pack's sample questions asked, and each property looked at."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ondol.hangul.levels import check_level
from ondol.packs.answering import Origin, PackAnswer, PackAssistant
from ondol.packs.pack import Pack
from ondol.packs.samples import Sample


@dataclass(frozen=True, slots=True)
class Verdict:
    """One property of one answer: what was expected, what there was."""

    ask: str
    property: str
    expected: str
    seen: str
    passed: bool


@dataclass(frozen=True, slots=True)
class PropertyCount:
    """How often a property held."""

    property: str
    passed: int
    asked: int


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; `seconds` is the longest answer's."""

    name: str
    title: str
    samples: int
    documents: int
    terms: int
    search: str
    seconds: float
    properties: tuple[PropertyCount, ...]
    failed: tuple[Verdict, ...]

    @property
    def passed(self) -> bool:
        """Whether every property held."""
        return not self.failed


def check(
    assistant: PackAssistant, search: str, progress: Callable[[int, int], None] | None = None
) -> Checked:
    """Ask all sample questions of a pack.

    Args:
        assistant: the pack at work.
        search: how its documents are searched, for the report.
        progress: called with questions asked and in all.
    """
    pack = assistant.pack
    verdicts: list[Verdict] = []
    longest = 0.0
    for number, sample in enumerate(pack.samples, 1):
        start = time.monotonic()
        answer = assistant.ask(sample.ask)
        text = answer.text
        if answer.reply is not None:
            text = f"{text}\n{answer.reply.read()}"
        seconds = time.monotonic() - start
        longest = max(longest, seconds)
        verdicts += judged(sample, answer, text, seconds, pack)
        if progress is not None:
            progress(number, len(pack.samples))
    names = dict.fromkeys(verdict.property for verdict in verdicts)
    counts = tuple(
        PropertyCount(
            name,
            sum(one.passed for one in verdicts if one.property == name),
            sum(one.property == name for one in verdicts),
        )
        for name in names
    )
    return Checked(
        pack.name,
        pack.settings.title,
        len(pack.samples),
        len(pack.documents),
        len(pack.glossary),
        search,
        longest,
        counts,
        tuple(one for one in verdicts if not one.passed),
    )


def judged(
    sample: Sample, answer: PackAnswer, text: str, seconds: float, pack: Pack
) -> Iterator[Verdict]:
    """Each property that a sample expects of its answer; `text` with a model's words, if any."""

    def verdict(name: str, expected: object, seen: object, passed: bool) -> Verdict:
        return Verdict(sample.ask, name, _shown(expected), _shown(seen), passed)

    for word in sample.contains:
        yield verdict("contains", word, answer.text, word in answer.text)
    for word in sample.not_contains:
        yield verdict("not_contains", word, text, word not in text)
    if sample.cites is not None:
        yield verdict("cites", sample.cites, answer.source, answer.document == sample.cites)
    if sample.refuses is not None:
        yield verdict("refuses", sample.refuses, answer.refuses, answer.refuses == sample.refuses)
    for name, wanted, origin in (
        ("rule", sample.rule, Origin.RULE),
        ("term", sample.term, Origin.GLOSSARY),
    ):
        if wanted is not None:
            held = answer.origin is origin and answer.source.split(" · ")[-1] == wanted
            yield verdict(name, wanted, f"{answer.origin} {answer.source}".strip(), held)
    level = pack.settings.speech_level
    if sample.speech_level and level:
        broken = [sentence.text for sentence in check_level(text, level).breaks]
        yield verdict("speech_level", level, " ".join(broken) or level, not broken)
    if sample.max_seconds is not None:
        held = seconds <= sample.max_seconds
        yield verdict("max_seconds", sample.max_seconds, round(seconds, 3), held)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
