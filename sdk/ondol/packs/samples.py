"""Questions that a pack is checked by, and what their answers have to be like."""

import json
from collections.abc import Container
from dataclasses import asdict, dataclass

from ondol.packs.reading import bad_pack
from ondol.strict import build, load

MOST = 1000
_LINE = 1 << 16


@dataclass(frozen=True, slots=True)
class Sample:
    """A question, and the properties of its answer; what is left out is not looked at.

    Attributes:
        ask: the question.
        contains: texts that all stand in the answer.
        not_contains: texts of which none does.
        cites: the document that the answer is from, by its name in `documents/`.
        refuses: whether it declines, by a rule or because nothing was found.
        rule: the rule that answers, by its name.
        term: the glossary's term that answers.
        speech_level: whether it keeps to the pack's level.
        max_seconds: how long it may take.
    """

    ask: str
    contains: tuple[str, ...] = ()
    not_contains: tuple[str, ...] = ()
    cites: str | None = None
    refuses: bool | None = None
    rule: str | None = None
    term: str | None = None
    speech_level: bool = False
    max_seconds: float | None = None


def samples_of(text: str, name: str, documents: Container[str]) -> tuple[Sample, ...]:
    """The samples of a file with one JSON object a line.

    Raises:
        BadPack: naming the line that does not hold.
    """
    found = []
    usual = asdict(Sample(""))
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{name}:{number}"
        try:
            told = load(line.encode("utf-8"), _LINE)
            if not isinstance(told, dict):
                raise ValueError("object expected")
            plain = json.loads(json.dumps(usual)) | told
            sample = build(Sample, plain, "sample")
        except ValueError as exc:
            raise bad_pack(where, str(exc)[:200]) from exc
        if not sample.ask.strip():
            raise bad_pack(where, "ask")
        if sample.cites is not None and sample.cites not in documents:
            raise bad_pack(where, f"documents/{sample.cites:.80}?")
        found.append(sample)
        if len(found) > MOST:
            raise bad_pack(where, f"> {MOST}")
    return tuple(found)
