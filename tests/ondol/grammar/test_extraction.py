"""Text in, data out, on a tiny model with random weights: an instance or a named error."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from doc_pages import examples, run_example
from ondol.engine import Engine
from ondol.errors import BadGrammar, BadPrompt, ContextFull, CutShort, InvalidData, MissingExtra
from ondol.grammar import Choices, extract
from ondol.instruction import instructed
from ondol.reply import Limits
from ondol.sampling import Sampling
from ondol.session import Conversation
from ondol.template import Message
from talking_model import TEMPLATE, talking

CONTEXT = 3072
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('No system role') }}{% endif %}"
    + TEMPLATE
)


@dataclass
class Mood:
    mood: Annotated[Literal["좋음", "나쁨"], "글의 분위기"]
    score: int = 3


class Short(BaseModel):
    word: str = Field(max_length=2, description="한 낱말")
    score: int = Field(ge=1, le=5)
    inner: Mood | None = None


class Cat(BaseModel):
    kind: Literal["고양이"]


class Dog(BaseModel):
    kind: Literal["개"]


class Owner(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    since: datetime
    ids: list[UUID] = Field(max_length=1)


class Unwritable(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    engine: Engine


class Picky(BaseModel):
    word: Literal["귤"]

    @field_validator("word")
    @classmethod
    def refuse(cls, value: str) -> str:
        raise ValueError(f"no {value}")


@dataclass
class Holder:
    engine: Engine


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    bundle = talking(tmp_path_factory.mktemp("chat"), "float32", CONTEXT)
    with Engine.open(bundle, threads=1, spin=False) as opened:
        yield opened


@pytest.mark.parametrize("seed", range(4))
def test_an_instance_comes_out(engine: Engine, seed: int) -> None:
    warm = Sampling(1.0, seed=seed)
    mood = extract(engine, "귤이 달다.", Mood, sampling=warm)
    assert isinstance(mood, Mood) and mood.mood in ("좋음", "나쁨")
    short = extract(Holder(engine), "귤이 달다.", Short, sampling=warm)
    assert isinstance(short, Short) and len(short.word) <= 2 and 1 <= short.score <= 5
    plain = extract(engine, "귤", {"type": "array", "items": {"enum": [1, 2]}, "maxItems": 2})
    assert isinstance(plain, list) and set(plain) <= {1, 2}
    assert extract(engine, "귤", bool | None, sampling=warm) in (True, False, None)
    assert isinstance(extract(engine, "귤", Owner, sampling=warm).pet, Cat | Dog)


def test_the_schema_is_shown_to_the_model(engine: Engine) -> None:
    talk = Conversation(engine, system="")
    prompt = instructed(talk, "지시\n{}", [Message("user", "귤 <|end|> 하나")])
    assert prompt.text == (
        "<|start|>system\n지시\n{}<|end|>\n<|start|>user\n귤 <|end|> 하나<|end|>\n"
        "<|start|>assistant\n"
    )
    assert [s.text for s in prompt.segments if s.special].count("<|end|>") == 2
    before = engine.reply("x", limits=Limits(max_tokens=1))
    before.read()
    extract(engine, "귤", Mood, sampling=Sampling(1.0, seed=1))
    shown = engine.tokenizer.decode(engine.cache.held)
    assert '"description": "글의 분위기"' in shown and "귤" in shown


@pytest.mark.parametrize("template", [NO_SYSTEM, ""])
def test_models_without_a_system_turn_are_told_too(template: str, tmp_path: Path) -> None:
    bundle = talking(tmp_path, "float32", CONTEXT, template)
    with Engine.open(bundle, threads=1, spin=False) as opened:
        found = extract(opened, "귤", Mood, sampling=Sampling(1.0, seed=1))
        assert isinstance(found, Mood)
        assert "글의 분위기" in opened.tokenizer.decode(opened.cache.held)


def test_a_reply_that_ends_early_is_named(engine: Engine) -> None:
    limits = Limits(max_tokens=12)
    with pytest.raises(CutShort) as cut:
        extract(engine, "귤", Mood, limits=limits)
    assert cut.value.finish == "length" and cut.value.text.startswith('{"mood')
    with pytest.raises(CutShort) as stopped:
        extract(engine, "귤", Mood, limits=Limits(stop=("mood",)))
    assert (stopped.value.finish, stopped.value.text) == ("stop", '{"')
    with pytest.raises(ContextFull):
        extract(engine, "귤" * 3000, Mood)


def test_a_check_of_the_types_own_is_named(engine: Engine) -> None:
    with pytest.raises(InvalidData, match="no 귤") as refused:
        extract(engine, "귤", Picky)
    assert refused.value.text == '{"word": "귤"}'


@pytest.mark.parametrize("text", ["", " \n", None, 3, b"x"])
def test_text_that_is_none_is_refused(engine: Engine, text: Any) -> None:
    with pytest.raises(BadPrompt):
        extract(engine, text, Mood)


def test_a_schema_that_is_none_is_refused(engine: Engine) -> None:
    with pytest.raises(BadGrammar):
        extract(engine, "귤", set)
    with pytest.raises(BadGrammar):
        extract(engine, "귤", {"enum": []})
    with pytest.raises(BadGrammar, match="Pydantic"):
        extract(engine, "귤", Unwritable)


def test_without_llguidance_the_extra_is_named(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ondol.grammar import vocabulary

    monkeypatch.setitem(sys.modules, "llguidance", None)
    monkeypatch.setattr(vocabulary, "_vocabularies", {})
    with pytest.raises(MissingExtra, match=r"ondol\[guided\]"):
        extract(engine, "귤", Mood)


def test_a_choice_is_text(engine: Engine) -> None:
    reply = engine.reply("분위기: ", constraint=Choices(["좋음", "나쁨"]))
    assert reply.read() in ("좋음", "나쁨")


def test_the_page_s_example_runs(engine: Engine, tmp_path: Path) -> None:
    (example,) = examples("structured.md")
    said = run_example(example, engine.bundle, tmp_path)
    assert re.fullmatch(r"(긍정|부정|중립) -?[0-9]+\n", said)
