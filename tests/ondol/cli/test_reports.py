"""The commands that report: what they print for people and for machines."""

import json
import shutil
from pathlib import Path

import pytest

from command_line import Ondol
from ondol import registry
from ondol.bundle import Bundle
from ondol.starter import STARTERS
from tiny_models import MODELS


def test_devices(ondol: Ondol, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = ondol("devices", "--json").json["devices"]
    assert [device["name"] for device in listed] == list(registry.names())
    first = listed[0]
    assert (first["name"], first["state"], first["silicon"]) == ("cpu", "available", "yes")
    assert first["device"]["cores"] > 0
    shown = ondol("devices").out
    assert all(name in shown for name in registry.names()) and "run on silicon" in shown
    monkeypatch.setenv("ONDOL_LANG", "ko")
    assert "사용 가능" in ondol("devices").out


def test_models_lists_whole_and_broken_bundles(ondol: Ondol, home: Path) -> None:
    (home / "bundles" / "halved").mkdir()
    (home / "bundles" / "halved" / "manifest.json").write_text("{")
    (home / "bundles" / ".base.lock").write_text("")
    listed = ondol("models", "--json").json
    assert listed["folder"] == str(home / "bundles")
    by_name = {entry["name"]: entry for entry in listed["bundles"]}
    assert list(by_name) == ["base", "halved", "talker"]
    assert by_name["halved"]["bundle"] is None
    assert by_name["halved"]["error"]["kind"] == "CorruptBundle"
    talker = by_name["talker"]["bundle"]
    assert talker["licence"] == "[bold]Own[/bold]" and talker["licence_kind"] == "commercial"
    assert (
        talker["context_tokens"] == 128 and talker["chats"] and by_name["talker"]["error"] is None
    )
    assert talker["size_bytes"] == Bundle.open(home / "bundles" / "talker").size
    assert [starter["name"] for starter in listed["starters"]] == list(STARTERS)
    shown = ondol("models").out
    assert "[bold]Own[/bold] (commercial use allowed)" in shown and "broken: " in shown


def test_models_of_an_empty_store(ondol: Ondol, home: Path) -> None:
    shutil.rmtree(home)
    done = ondol("models")
    assert done.code == 0 and "no bundles yet" in done.err and "gemma-3-270m" in done.out
    assert ondol("verify", "--all", "--json").json == {"bundles": []}


def test_inspect_shows_every_fact(ondol: Ondol, home: Path) -> None:
    seen = ondol("inspect", "talker", "--json").json
    manifest = json.loads((home / "bundles" / "talker" / "manifest.json").read_text())
    assert seen["manifest"] == manifest
    records = manifest["recipe"]["matrices"]
    assert sum(layout["matrices"] for layout in seen["layouts"]) == len(records)
    assert sum(lay["size_bytes"] for lay in seen["layouts"]) == sum(r["bytes"] for r in records)
    done = ondol("inspect", str(home / "bundles" / "talker"))
    for text in ("weights.bin", "qwen2", "[bold]Own[/bold]", "␛[31mred", "GroupQueryAttention"):
        assert text in done.out
    assert seen["bundle"]["tokenizer"] == "table" and "mapped table" in done.out
    assert "\x1b" not in done.out


def test_verify_says_whole(ondol: Ondol) -> None:
    done = ondol("verify", "base", "--json")
    assert done.code == 0
    (verdict,) = done.json["bundles"]
    assert verdict["whole"] and verdict["error"] is None and verdict["size_bytes"] > 0


def test_convert_into_the_store_under_a_name(ondol: Ondol, home: Path) -> None:
    done = ondol("convert", str(MODELS / "qwen2"), "--name", "new", "--context", "64", "--json")
    assert done.code == 0
    made = done.json
    bundle = Bundle.open(home / "bundles" / "new")
    assert made["bundle"]["path"] == str(bundle.path) and bundle.manifest.model.context == 64
    assert made["bundle"]["parameters"] == bundle.manifest.model.parameters
    source = sum(origin.size for origin in bundle.manifest.origins)
    assert made["source_bytes"] == source
    assert made["size_ratio"] == pytest.approx(bundle.size / source)
    assert done.err.splitlines() == ["Tokenizer", "Weights", "Graph", "Hashes"]


def test_convert_exactly_into_a_folder(ondol: Ondol, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    done = ondol("convert", str(MODELS / "qwen2"), "--weights", "float32", "--out", str(out))
    assert done.code == 0 and Bundle.open(out).name == "mine"
    assert "kept exactly     100.0%" in done.out and "bits a weight    32.00" in done.out


def test_convert_names_a_bundle_after_its_source(ondol: Ondol, home: Path) -> None:
    assert ondol("convert", f"{MODELS / 'qwen2'}/").code == 0
    assert Bundle.open(home / "bundles" / "qwen2").manifest.model.model_type == "qwen2"


def test_bench_measures_rounds(ondol: Ondol) -> None:
    words = ("bench", "base", "--rounds", "2", "--prompt-tokens", "32", "--decode-tokens", "4")
    done = ondol(*words, "--json")
    assert done.code == 0
    made = done.json
    assert len(made["rounds"]) == 2 and made["model"] == "gemma3-auto" and made["device"] == "cpu"
    for rate in ("prefill_rate", "decode_rate", "characters_rate", "read_bandwidth"):
        assert made[rate] > 0
    assert made["first_token_seconds"] > min(r["load_seconds"] for r in made["rounds"])
    shown = ondol(*words, "--device", "null").out
    assert "characters/s" in shown and "GB/s" in shown
