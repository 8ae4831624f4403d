"""`ondol evaluate`: measured, shown, saved, compared, refused."""

import json
from collections.abc import Iterable
from dataclasses import replace
from importlib.resources.abc import Traversable
from pathlib import Path

import pytest

from command_line import Ondol
from graph_bundle import encoder_bundle
from ondol.evaluation import generation
from ondol.evaluation import text as texts
from ondol.manifest import SIGNATURE
from ondol.quality import QUALITY, parse
from tiny_models import MODELS

ITEM = {"id": "1", "kind": "셈", "question": "1+1", "choices": ["2", "3"], "answer": 0}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "MAX_TOKENS", 4)
    whole = texts.own_texts

    def beginnings(folder: Traversable, names: Iterable[str]) -> tuple[texts.Text, ...]:
        return tuple(replace(each, text=each.text[:300]) for each in whole(folder, names))

    monkeypatch.setattr(texts, "own_texts", beginnings)


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "mine.txt"
    path.write_text("온돌은 바닥을 데운다. 아궁이에 불을 때면 방이 따뜻하다.\n", "utf-8")
    return str(path)


@pytest.fixture
def task(tmp_path: Path) -> str:
    path = tmp_path / "task.jsonl"
    path.write_text(json.dumps(ITEM) + "\n", "utf-8")
    return str(path)


def test_without_a_word_all_is_measured(ondol: Ondol) -> None:
    done = ondol("evaluate", "base", "--json")
    quality = parse(done.out.encode(), "base")
    assert [text.name for text in quality.texts] == ["ondol/eval_ko.txt", "ondol/eval_en.txt"]
    assert len(quality.generation) == 2 and quality.against == ""
    assert quality.software.startswith("onnxruntime") and quality.device == "cpu"
    assert "Scoring texts" in done.err and "Writing answers" in done.err


def test_a_context_too_short_for_answers_is_said(
    ondol: Ondol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "short")
    done = ondol("convert", str(MODELS / "gemma3"), "--out", out, "--context", "16", "--quality")
    assert done.code == 0 and "16 prompts: with 4 tokens of answer they do not fit" in done.out
    monkeypatch.setenv("ONDOL_LANG", "ko")
    done = ondol("evaluate", out)
    assert done.code == 0 and "질문 16개. 답 4토큰까지 더하면 문맥에 들어가지" in done.out


def test_a_source_is_converted_compared_and_deleted(
    ondol: Ondol, home: Path, text: str, tmp_path: Path
) -> None:
    source = str(MODELS / "gemma3")
    done = ondol("evaluate", "base", "--against", source, "--text", text, "--json")
    (scored,) = parse(done.out.encode(), "base").texts
    assert scored.name == "mine.txt" and scored.relative_loss is not None
    assert scored.kl_bits is not None and scored.kl_bits > 0 and scored.positions == scored.tokens
    assert "float32" in done.err and "was not made from" not in done.err
    assert {path.name for path in (home / "bundles").iterdir()} == {"base", "talker"}
    other = ondol("evaluate", "base", "--against", "talker", "--text", text)
    assert "was not made from these files" in other.err and "auto: " in other.out


def test_a_saved_report_travels_with_the_bundle(ondol: Ondol, home: Path, text: str) -> None:
    source = str(MODELS / "gemma3")
    assert ondol("evaluate", "base", "--text", text, "--save").code == 0
    assert "not compared" in ondol("inspect", "base").out
    assert ondol("evaluate", "base", "--against", source, "--text", text, "--save").code == 0
    assert ondol("verify", "base").code == 0
    shown = ondol("inspect", "base")
    assert "Korean" in shown.out and "% bits/character" in shown.out
    quality = parse((home / "bundles" / "base" / QUALITY).read_bytes(), "base")
    assert quality.against.startswith("float32: ") and len(quality.texts) == 1
    assert ondol("inspect", "base", "--json").json["quality"]["against"] == quality.against


def test_a_task_is_answered_both_ways(ondol: Ondol, task: str) -> None:
    done = ondol("evaluate", "base", "--task", task)
    assert done.code == 0 and "chance" in done.out and "50.0%" in done.out and "셈" in done.out
    quality = parse(ondol("evaluate", "base", "--task", task, "--json").out.encode(), "base")
    assert quality.texts == () and quality.generation == ()
    assert quality.tasks[0].likelihood.items == 1


def test_other_devices_give_the_same(ondol: Ondol, text: str) -> None:
    figures = [
        parse(
            ondol("evaluate", "talker", "--text", text, "--device", device, "--json").out.encode(),
            device,
        )
        .texts[0]
        .bits_per_character
        for device in ("cpu", "reference")
    ]
    assert figures[0] == pytest.approx(figures[1], rel=1e-2)  # 8-bit against exact activations


def test_an_encoder_answers_no_items(ondol: Ondol, home: Path) -> None:
    encoder_bundle(home / "bundles" / "reader")
    done = ondol("evaluate", "reader", "--task", "ondol")
    assert done.code == 4 and "no text generator" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nothing",), 4, "nothing"),
        (("base", "--text", "absent.txt"), 2, "absent.txt"),
        (("base", "--task", "absent.jsonl"), 2, "absent.jsonl"),
        (("base", "--task", "ondol", "--shots", "99"), 2, "examples"),
        (("base", "--against", "nowhere"), 4, "nowhere"),
        (("base", "--device", "abacus"), 5, "abacus"),
        (("base", "--calibrations"), 2, "the model itself"),
        (("base", "--calibrations", "--against", "talker"), 2, "the model itself"),
        (("base", "--seed", "-1"), 2, "--seed"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    arguments: tuple[str, ...], code: int, said: str, ondol: Ondol
) -> None:
    done = ondol("evaluate", *arguments)
    assert done.code == code and said in done.err


def test_a_signed_bundle_is_refused_before_it_is_measured(ondol: Ondol, home: Path) -> None:
    (home / "bundles" / "base" / SIGNATURE).write_bytes(b"signed")
    done = ondol("evaluate", "base", "--save")
    assert done.code == 2 and "signed" in done.err and "Scoring" not in done.err


def test_korean_reads_as_korean(ondol: Ondol, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    done = ondol("evaluate", "base", "--text", text)
    assert "글자당 비트" in done.out and "의 품질" in done.out


def test_a_touched_report_is_noticed(ondol: Ondol, home: Path, text: str) -> None:
    ondol("evaluate", "base", "--text", text, "--save")
    path = home / "bundles" / "base" / QUALITY
    path.write_bytes(path.read_bytes().replace(b"mine", b"mind"))
    done = ondol("inspect", "base")
    assert done.code == 4 and QUALITY in done.err


def test_convert_measures_where_it_is_told_to(ondol: Ondol, tmp_path: Path) -> None:
    model, out = str(MODELS / "gemma3"), str(tmp_path / "proven")
    plain = ondol("convert", model, "--out", out, "--context", "128")
    assert plain.code == 0
    assert f"ondol evaluate {out} --against {model} --save" in plain.err
    done = ondol("convert", model, "--out", out, "--context", "128", "--quality")
    assert done.code == 0 and "to compare with" in done.err and "same top token" in done.out
    assert "% bits/character" in ondol("inspect", out).out


def test_two_calibrations_are_compared_and_saved(ondol: Ondol, home: Path, text: str) -> None:
    source = str(MODELS / "gemma3")
    arguments = ("--against", source, "--text", text, "--calibrations", "--save")
    done = ondol("evaluate", "base", *arguments)
    assert done.code == 0 and "calibrated on" in done.out and "gptq 4/32" in done.out
    quality = parse((home / "bundles" / "base" / QUALITY).read_bytes(), "base")
    assert [each.language for each in quality.calibrations] == ["ko", "en"]
    assert all(len(each.texts) == 2 for each in quality.calibrations)
    assert {path.name for path in (home / "bundles").iterdir() if path.is_dir()} == {
        "base",
        "talker",
    }
