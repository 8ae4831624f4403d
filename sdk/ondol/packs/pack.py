"""An assistant pack: what its folder says, checked before anything is done with it."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ondol.errors import OndolError
from ondol.hangul.level_endings import Level
from ondol.language import say
from ondol.manifest import plain_name
from ondol.packs.reading import bad_pack, files_of, text_of
from ondol.packs.samples import Sample, samples_of
from ondol.sampling import Sampling
from ondol.strict import build

SETTINGS, GLOSSARY, SAMPLES = "assistant.toml", "glossary.tsv", "samples.jsonl"
VERSION = 1
MOST_TERMS = 10_000
CONFIDENCE = 0.05
"""Below that of large libraries: of the packs that come with Ondol every question that is answered
has 0.07 or more, and every one that is not, other packs' included, 0.024 or less."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What is answered whatever the model would say, such as that a doctor has to be asked.

    Attributes:
        name: by which samples call it.
        when: a question that holds one of these, blanks aside, is answered by the rule.
        answer: what is answered, word for word.
        refuses: whether that declines the question.
    """

    name: str
    when: tuple[str, ...]
    answer: str
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class Choosing:
    """How the pack wants tokens chosen: see `ondol.Sampling`."""

    temperature: float = 0.0
    top_p: float = 1.0
    repetition_penalty: float = 1.1
    max_tokens: int = 200


@dataclass(frozen=True, slots=True)
class Settings:
    """`assistant.toml`.

    Attributes:
        title: what the assistant is called.
        summary: what it is for, in a sentence.
        system: the system prompt.
        speech_level: 해요체, 하십시오체 and so on; "": none is asked for.
        model: the name of the model it was written for; "": the default.
        licence: the licence of its texts.
        notice: what is shown with every answer; "": nothing.
        confidence: how sure search has to be that a passage answers, 0 to 1.
        sampling: how tokens are chosen.
        rules: looked at before anything else, in order.
    """

    ondol_assistant: int
    title: str
    summary: str = ""
    system: str = ""
    speech_level: str = ""
    model: str = ""
    licence: str = ""
    notice: str = ""
    confidence: float = CONFIDENCE
    sampling: Choosing = field(default_factory=Choosing)
    rules: tuple[Rule, ...] = ()

    @property
    def chosen(self) -> Sampling:
        """How tokens are chosen."""
        told = self.sampling
        return Sampling(
            told.temperature, top_p=told.top_p, repetition_penalty=told.repetition_penalty
        )


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack that holds: its settings, and what lies beside them.

    Attributes:
        folder: where it is.
        settings: `assistant.toml`.
        documents: the files of `documents/` by their names there.
        glossary: what terms mean.
        schemas: JSON Schemas of `schemas/NAME.json` by name.
        samples: the questions of `samples.jsonl`.
    """

    folder: Path
    settings: Settings
    documents: Mapping[str, Path]
    glossary: Mapping[str, str]
    schemas: Mapping[str, Any]
    samples: tuple[Sample, ...]

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.name

    @classmethod
    def open(cls, folder: Path) -> "Pack":
        """Read a pack; its documents stay unread.

        Raises:
            BadPack: if anything in it does not hold, is too large, or leads out of it.
        """
        folder = folder.resolve()
        files = files_of(folder)
        if SETTINGS not in files:
            raise bad_pack(str(folder / SETTINGS), say("It is missing.", "파일이 없습니다."))
        texts = {
            name: text_of(path, name)
            for name, path in files.items()
            if not name.startswith("documents/")
        }
        documents = {
            name.removeprefix("documents/"): path
            for name, path in files.items()
            if name.startswith("documents/")
        }
        return cls(
            folder,
            _settings(texts[SETTINGS]),
            documents,
            _glossary(texts.get(GLOSSARY, "")),
            _schemas(texts),
            samples_of(texts.get(SAMPLES, ""), SAMPLES, documents),
        )


def _settings(text: str) -> Settings:
    try:
        told = tomllib.loads(text)
        usual = asdict(Settings(VERSION, ""))
        del usual["ondol_assistant"], usual["title"]
        whole = {**usual, "rules": [], **told}
        if isinstance(whole["sampling"], dict):
            whole["sampling"] = usual["sampling"] | whole["sampling"]
        if isinstance(whole["rules"], list):
            whole["rules"] = [_with_defaults(each) for each in whole["rules"]]
        made = build(Settings, whole, SETTINGS)
    except (ValueError, RecursionError) as exc:
        raise bad_pack(SETTINGS, str(exc)[:200]) from exc
    _check(made)
    return made


def _with_defaults(rule: Any) -> Any:
    return {"refuses": False, **rule} if isinstance(rule, dict) else rule


def _check(made: Settings) -> None:
    """Refuse settings that cannot be meant."""
    wrong = ""
    names = [rule.name for rule in made.rules]
    if made.ondol_assistant != VERSION:
        wrong = f"ondol_assistant = {made.ondol_assistant} ≠ {VERSION}"
    elif not made.title.strip():
        wrong = "title"
    elif made.speech_level and made.speech_level not in set(Level) - {Level.UNKNOWN}:
        wrong = f"speech_level = {made.speech_level:.40}"
    elif made.model and not plain_name(made.model):
        wrong = f"model = {made.model!r:.80}"
    elif made.confidence > 1:
        wrong = f"confidence = {made.confidence}"
    elif made.sampling.max_tokens < 1:
        wrong = "sampling.max_tokens"
    elif len(set(names)) != len(names) or not all(names):
        wrong = "rules.name"
    elif not all(rule.answer and rule.when and all(rule.when) for rule in made.rules):
        wrong = "rules: when, answer"
    if wrong:
        raise bad_pack(SETTINGS, wrong)
    try:
        _ = made.chosen
    except OndolError as exc:
        raise bad_pack(SETTINGS, exc.what) from exc


def _glossary(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        term, tab, meaning = line.partition("\t")
        term, meaning = term.strip(), meaning.strip()
        if not (tab and term and meaning) or term in found or len(found) == MOST_TERMS:
            why = say("A line is TERM<tab>MEANING, once.", "한 줄에 용어<탭>뜻, 한 번씩입니다.")
            raise bad_pack(f"{GLOSSARY}:{number}", why)
        found[term] = meaning
    return found


def _schemas(texts: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, text in texts.items():
        if not name.startswith("schemas/") or not name.endswith(".json"):
            continue
        try:
            schema = json.loads(text)
        except (ValueError, RecursionError) as exc:
            raise bad_pack(name, str(exc)[:200]) from exc
        if not isinstance(schema, dict):
            raise bad_pack(name, say("A schema is an object.", "스키마는 객체여야 합니다."))
        found[name.removeprefix("schemas/").removesuffix(".json")] = schema
    return found
