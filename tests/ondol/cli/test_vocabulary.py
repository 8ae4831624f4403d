"""`ondol convert --vocabulary`: what is kept is said, wrong words are refused."""

import json
from pathlib import Path

import pytest

from command_line import Ondol
from ondol.bundle import Bundle
from tiny_models import MODELS

MODEL = str(MODELS / "qwen3")


def test_a_vocabulary_learnt_from_a_text(ondol: Ondol, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("온돌은 바닥을 데운다. " * 20, "utf-8")
    said = ("--vocabulary", "ko-en-compact", "--coverage", "60%", "--text", str(mine))
    done = ondol("convert", MODEL, "--out", str(tmp_path / "out"), "--json", *said)
    assert done.code == 0
    assert json.loads(done.out)["bundle"]["path"] == str(tmp_path / "out")
    manifest = Bundle.open(tmp_path / "out").manifest
    recipe = manifest.recipe
    assert (recipe.vocabulary, recipe.source_vocabulary) == ("ko-en-compact", 272)
    assert manifest.model.vocabulary < 272
    assert [text.name for text in recipe.calibration] == ["mine.txt"]


def test_a_text_without_korean_is_warned_of(ondol: Ondol, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("Not a word of Korean. " * 20)
    said = ("--vocabulary", "ko-en-compact", "--text", str(mine))
    done = ondol("convert", MODEL, "--out", str(tmp_path / "out"), *said)
    assert done.code == 0 and "0.0% of the letters" in done.err


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (("--vocabulary", "english"), "ko-en-compact"),
        (("--vocabulary", "ko-en-compact", "--coverage", "150%"), "150.0%"),
        (("--vocabulary", "ko-en-compact", "--coverage", "most"), "most"),
        (("--vocabulary", "ko-en-compact", "--text", "absent.txt"), "absent.txt"),
    ],
)
def test_what_cannot_be_meant(
    ondol: Ondol, tmp_path: Path, said: tuple[str, ...], words: str
) -> None:
    done = ondol("convert", MODEL, "--out", str(tmp_path / "out"), *said)
    assert done.code == 2 and words in done.err
    assert not (tmp_path / "out").exists()
