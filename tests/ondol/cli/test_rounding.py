"""`ondol convert`: how weights are rounded, and what is refused."""

import json
from pathlib import Path

import pytest

from command_line import Ondol
from ondol.cli.options import share
from ondol.errors import OptionError
from tiny_models import CONTEXT, MODELS

MODEL = str(MODELS / "qwen3")


def test_bits_method_and_block_are_what_was_said(ondol: Ondol, tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("온돌은 방바닥을 데운다. 구들장 아래로 연기가 지나간다.\n" * 9, "utf-8")
    out = tmp_path / "made"
    words = ("--weights", "int4", "--method", "awq", "--block", "16", "--calibration", str(text))
    done = ondol("convert", MODEL, "--out", str(out), "--context", str(CONTEXT), *words)
    assert done.code == 0 and "Calibrating and rounding" in done.err
    recipe = json.loads((out / "manifest.json").read_text("utf-8"))["recipe"]
    assert {(m["bits"], m["block"], m["method"]) for m in recipe["matrices"]} == {(4, 16, "awq")}
    assert [text["name"] for text in recipe["calibration"]] == ["mine.txt"]


def test_english_alone_is_warned_of(ondol: Ondol, tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text("The floor is heated from below, as it has been for long.\n" * 9, "utf-8")
    words = ("--weights", "int4", "--calibration", str(text), "--context", str(CONTEXT))
    done = ondol("convert", MODEL, "--out", str(tmp_path / "made"), *words)
    assert done.code == 0 and "Only 0.0% of the letters" in done.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--method", "gptq"), "neither was chosen"),
        (("--weights", "int4", "--method", "best"), "No such method"),
        (("--weights", "int4", "--block", "24"), "No such block"),
        (("--block", "64"), "neither was chosen"),
        (("--favor", "speed"), "needs a budget"),
        (("--budget", "1"), "'1' is no share"),
        (("--budget", "1%", "--weights", "int4"), "cannot be spent on int4"),
        (("--budget", "1%", "--favor", "both"), "No such favor"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    words: tuple[str, ...], said: str, ondol: Ondol, tmp_path: Path
) -> None:
    done = ondol("convert", MODEL, "--out", str(tmp_path / "made"), *words)
    assert done.code == 2 and said in done.err and not (tmp_path / "made").exists()


def test_shares_are_percent_or_fractions() -> None:
    assert share("1%") == 0.01 and share(" 0.5% ") == 0.005 and share("0.995") == 0.995
    assert share(None) is None and share("100%") == 1.0 and share(".25") == 0.25


@pytest.mark.parametrize(
    "text", ["", "1", "0", "-1%", "1%%", "nan", "inf%", "1e2%", "1,5%", "١%", "1_0%", "%"]
)
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="no share"):
        share(text)
