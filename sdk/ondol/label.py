"""That a model wrote it: the AI Basic Act's label, for people and for machines.

The Framework Act on Artificial Intelligence (in force since 2026-01-22), article 31(2), asks that
what generative AI makes is marked as such. The ministry's transparency guideline of 2026-01-21
wants of text that leaves a service a mark people see, or a notice with machine-readable metadata.
A reply carries its `Label`, and what is written out carries both. This is no legal advice.

A label is a value beside the text and is never looked for in it. In an exported file it stands in
one place, the first and the last line, and holds the SHA-256 of all between: a prompt or an answer
that imitates it is text like any other. It proves no origin: whoever can write a file can label it.
"""

import hashlib
import json
import time
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from ondol import __version__
from ondol.errors import BadLabel, OptionError
from ondol.files import write_whole
from ondol.language import say
from ondol.scripts import script_of
from ondol.strict import build, load

if TYPE_CHECKING:
    from ondol.bundle import Bundle

DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC NewsCodes, Digital Source Type: made algorithmically by a model trained on samples."""

MOST_METADATA = 1 << 14
"""Bytes of the longest metadata that is read."""

Language = Literal["en", "ko"]

_MARKS = {
    "en": "[AI-generated] Generative AI wrote this text (model: {model}, {generator}).",
    "ko": "[AI 생성] 생성형 인공지능이 작성한 글입니다(모델: {model}, {generator}).",
}


@dataclass(frozen=True, slots=True)
class Label:
    """Which model wrote a text, by what and when; every label says that AI did.

    `model_sha256` is that of its manifest, which holds those of all its files; `time` is UTC as
    ISO 8601 in seconds, when the reply was begun.
    """

    model: str
    model_sha256: str
    generator: str
    time: str
    ai_generated: Literal[True] = field(default=True, init=False)
    digital_source_type: str = field(default=DIGITAL_SOURCE_TYPE, init=False)

    @classmethod
    def of(cls, bundle: "Bundle", started: float) -> "Label":
        """The label of what a bundle writes; `started` in seconds since the epoch."""
        digest = hashlib.sha256(bundle.manifest.to_json().encode("utf-8")).hexdigest()
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))
        return cls(bundle.name, digest, f"ondol {__version__}", when)

    @property
    def brief(self) -> str:
        """The mark where there is room for a word, in the user's language."""
        return say("AI-generated", "AI 생성")

    def mark(self, language: Language) -> str:
        """The mark that people read: one line."""
        return _MARKS[language].format(model=self.model, generator=self.generator)


@dataclass(frozen=True)
class Export:
    """A text on its way out with its label; there is no other way to write a reply.

    `language` is the mark's.
    """

    text: str
    label: Label
    language: Language

    @cached_property
    def metadata(self) -> str:
        """The label for machines: one line of JSON, with the SHA-256 of the text in UTF-8."""
        digest = hashlib.sha256(self.text.encode("utf-8")).hexdigest()
        fields = {**asdict(self.label), "text_sha256": digest}
        return json.dumps(fields, ensure_ascii=False, sort_keys=True)

    def to_text(self) -> str:
        """The mark, the text and the metadata, with an empty line between each two."""
        return f"{self.label.mark(self.language)}\n\n{self.text}\n\n{self.metadata}\n"

    def to_json(self) -> str:
        """One object: `text`, `mark` and `label`."""
        label = json.loads(self.metadata)
        whole = {"text": self.text, "mark": self.label.mark(self.language), "label": label}
        return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"

    def write(self, path: Path) -> None:
        """Write it to a `.txt`, `.md` or `.json` file, whole or not at all.

        Raises:
            OptionError: if the name ends otherwise.
            StorageError: on what the disk refuses.
        """
        forms = {".txt": self.to_text, ".md": self.to_text, ".json": self.to_json}
        form = forms.get(path.suffix.lower())
        if form is None:
            raise OptionError(
                say(f"Cannot export to {path.name}.", f"{path.name}(으)로 내보낼 수 없습니다."),
                say(
                    "Its form would have no place for the label.",
                    "AI 생성 표시를 담을 수 없는 형식입니다.",
                ),
                say(f"Choose {', '.join(forms)}.", f"{', '.join(forms)} 가운데 고르세요."),
            )
        write_whole(path, form().encode("utf-8"))


@dataclass(frozen=True, slots=True)
class _Metadata:
    """The fields of the last line."""

    model: str
    model_sha256: str
    generator: str
    time: str
    ai_generated: bool
    digital_source_type: str
    text_sha256: str


def export(text: str, label: Label, language: Language | None = None) -> Export:
    """Put a text and its label together; personal data is masked where a policy says so.

    Args:
        text: what the model wrote.
        label: as the reply has it.
        language: the mark's; None: Korean where the text has Hangul, else English.

    Raises:
        OptionError: if the text is not Unicode text.
        PolicyForbids: if this machine's policy cannot be understood.
    """
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise OptionError(
            say("This text cannot be exported.", "이 글은 내보낼 수 없습니다."),
            say("It is not Unicode text.", "유니코드 글이 아닙니다."),
            say("Export the reply's own text.", "답의 글을 그대로 내보내세요."),
        ) from exc
    from ondol.privacy import guarded

    text = guarded(text, "exports")
    hangul = any(script_of(each) == "hangul" for each in text)
    return Export(text, label, language or ("ko" if hangul else "en"))


def read(exported: str) -> Export:
    """What `Export.to_text` gave: the text between the label's two lines, and the label.

    Raises:
        BadLabel: if either line is missing or changed, or the text is.
    """
    body, _, last = exported.removesuffix("\n").rpartition("\n\n")
    mark, _, text = body.partition("\n\n")
    try:
        told = build(_Metadata, load(last.encode("utf-8"), MOST_METADATA), "label")
        made = Label(told.model, told.model_sha256, told.generator, told.time)
        for language in get_args(Language):
            whole = Export(text, made, language)
            if made.mark(language) == mark and whole.metadata == last:
                return whole
    except ValueError as exc:  # no JSON of ours, or no Unicode text
        raise _bad(f"{exc}"[:200]) from exc
    raise _bad(say("The mark or the text was changed.", "표시나 글이 바뀌었습니다."))


def _bad(why: str) -> BadLabel:
    return BadLabel(
        say("This text has no label that holds.", "올바른 AI 생성 표시가 없는 글입니다."),
        why,
        say("Export the reply again.", "답을 다시 내보내세요."),
    )
