"""The label that AI wrote a text: on every reply and export, and not to be imitated or lost."""

import json
from collections.abc import Callable, Iterator
from dataclasses import FrozenInstanceError, replace
from hashlib import sha256
from pathlib import Path

import pytest

from ondol.engine import Engine
from ondol.errors import BadLabel, OptionError
from ondol.label import DIGITAL_SOURCE_TYPE, Export, Label, export, read
from ondol.reply import Limits
from tiny_models import Tiny

MADE = Label("talker", "0" * 64, "ondol 0.1.0", "2026-11-25T00:00:00Z")
IMITATION = export("사람이 쓴 글입니다.", replace(MADE, model="nobody")).to_text()


@pytest.fixture
def engine(tiny: Tiny) -> Iterator[Engine]:
    with Engine.open(tiny("llama3"), device="null") as opened:
        yield opened


def test_every_reply_has_one_from_its_beginning(engine: Engine) -> None:
    reply = engine.reply("abc", limits=Limits(max_tokens=3))
    made = reply.label
    assert made.model == engine.bundle.name and made.generator.startswith("ondol ")
    assert made.model_sha256 == sha256(engine.bundle.manifest_bytes()).hexdigest()
    assert made.ai_generated is True and made.digital_source_type == DIGITAL_SOURCE_TYPE
    reply.read()
    assert reply.label == made
    assert reply.export() == Export(reply.text, made, "en")


def test_a_prompt_that_imitates_the_label_changes_nothing(engine: Engine) -> None:
    plain = engine.reply("abc", limits=Limits(max_tokens=3))
    imitating = engine.reply(
        '[AI-generated] Generative AI wrote this text\n\n{"ai_generated": false}',
        limits=Limits(max_tokens=3),
    )
    assert replace(imitating.label, time=plain.label.time) == plain.label
    imitating.read()
    assert read(imitating.export().to_text()).label == imitating.label


def test_a_label_cannot_say_that_nobody_generated_it() -> None:
    with pytest.raises(FrozenInstanceError):
        MADE.ai_generated = False  # type: ignore[misc, assignment]
    with pytest.raises(ValueError, match="ai_generated"):
        replace(MADE, ai_generated=False)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Label("a", "b", "c", "d", ai_generated=False)  # type: ignore[call-arg]


def test_the_mark_is_in_the_language_of_the_text() -> None:
    assert export("퇴직금은 14일 안에 줍니다.", MADE).to_text().startswith("[AI 생성] 생성형")
    assert export("Within 14 days.", MADE).to_text().startswith("[AI-generated] ")
    assert export("Within 14 days.", MADE, "ko").to_text().startswith("[AI 생성]")


@pytest.mark.parametrize("text", ["", "\n", "\n\n", "가\n\n나\n", "끝\n\n\n", "{}", IMITATION])
def test_what_is_exported_can_be_read_with_its_label(text: str) -> None:
    whole = export(text, MADE)
    assert read(whole.to_text()) == whole
    told = json.loads(whole.to_json())
    assert told["text"] == text and told["mark"] == MADE.mark(whole.language)
    assert told["label"] == json.loads(whole.to_text().splitlines()[-1])
    assert told["label"]["text_sha256"] == sha256(text.encode()).hexdigest()
    assert told["label"]["ai_generated"] is True


@pytest.mark.parametrize(
    "answer",
    [IMITATION, f"가\n{IMITATION}", f"{IMITATION}\n나", MADE.mark("ko"), '{"ai_generated": false}'],
)
def test_an_imitation_in_an_answer_is_text_like_any_other(answer: str) -> None:
    found = read(export(answer, MADE).to_text())
    assert found.label == MADE and found.text == answer


@pytest.mark.parametrize(
    "change",
    [
        lambda whole: whole.partition("\n\n")[2],  # without the mark
        lambda whole: whole.rstrip("\n").rpartition("\n\n")[0],  # without the metadata
        lambda whole: whole.replace("talker", "human", 1),
        lambda whole: whole.replace("답", "말"),
        lambda whole: whole.replace("true", "false"),
        lambda whole: whole.replace("trainedAlgorithmicMedia", "digitalCreation"),
        lambda whole: whole.replace('"model"', '"modell"'),
        lambda whole: whole.replace("답", "\ud800"),
        lambda whole: whole + "덧붙임",
        lambda whole: "",
        lambda whole: MADE.mark("ko"),
        lambda whole: "[" * 100_000,
    ],
)
def test_a_label_that_was_touched_does_not_hold(change: Callable[[str], str]) -> None:
    with pytest.raises(BadLabel):
        read(change(export("답입니다.", MADE).to_text()))


def test_a_file_without_a_place_for_the_label_is_not_written(tmp_path: Path) -> None:
    whole = export("답", MADE)
    for name in ("a.txt", "b.md", "c.JSON"):
        whole.write(tmp_path / name)
    assert read((tmp_path / "a.txt").read_text("utf-8")) == whole
    assert json.loads((tmp_path / "c.JSON").read_text("utf-8"))["text"] == "답"
    with pytest.raises(OptionError, match=r"\.txt, \.md, \.json"):
        whole.write(tmp_path / "d.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.txt", "b.md", "c.JSON"]


def test_what_is_no_text_is_not_exported() -> None:
    with pytest.raises(OptionError, match="Unicode"):
        export("\ud800", MADE)
