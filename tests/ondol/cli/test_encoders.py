"""Bundles of encoders on the command line: shown, checked, and never chatted with."""

from pathlib import Path

import pytest

from command_line import Ondol
from graph_bundle import encoder_bundle
from ondol.starter import E5
from weights import e5_path


@pytest.fixture
def encoder(home: Path) -> str:
    return encoder_bundle(home / "bundles" / "reader").name


def test_models_and_verify_take_encoders(ondol: Ondol, encoder: str) -> None:
    listed = ondol("models", "--json").json
    facts = next(e["bundle"] for e in listed["bundles"] if e["name"] == encoder)
    assert facts["model_type"] == "bert" and facts["context_tokens"] == 16
    assert encoder in ondol("models").out
    assert ondol("verify", encoder).code == 0


def test_inspect_says_what_an_encoder_is(ondol: Ondol, encoder: str) -> None:
    shown = ondol("inspect", encoder)
    assert shown.code == 0 and "embeds text" in shown.out and "mean" in shown.out
    assert "the `tokenizers` library" in shown.out
    assert ondol("inspect", encoder, "--json").json["manifest"]["model"]["task"] == "embed"


@pytest.mark.parametrize("command", ["chat", "bench"])
def test_what_needs_a_decoder_refuses_an_encoder(command: str, ondol: Ondol, encoder: str) -> None:
    done = ondol(command, encoder, *(["--once", "안녕"] if command == "chat" else []))
    assert done.code == 4
    assert "no text generator" in done.err and "encodes text" in done.err


@pytest.mark.weights
def test_the_starter_encoder_is_cut_and_small(ondol: Ondol, home: Path) -> None:
    e5_path()
    made = ondol("convert", E5.name, "--json").json["bundle"]
    assert made["size_bytes"] <= 30_000_000 and made["exact_share"] == 1.0
    assert made["licence"] == "MIT" and not made["chats"]
    shown = ondol("inspect", E5.name, "--json").json["manifest"]
    assert shown["recipe"]["vocabulary"] == "ko-en-compact"
    listed = ondol("models", "--json").json["starters"]
    assert next(each for each in listed if each["name"] == E5.name)["state"] == "converted"
    assert (home / "bundles" / E5.name / "LICENSE.txt").is_file()


@pytest.mark.weights
@pytest.mark.parametrize(
    "asked", [("--budget", "1%"), ("--kv-cache", "int8"), ("--weights", "int4")]
)
def test_what_only_decoders_have_is_refused(ondol: Ondol, asked: tuple[str, str]) -> None:
    e5_path()
    done = ondol("convert", E5.name, *asked, "--json")
    assert done.code == 2 and asked[0] in done.json["error"]["what"]
