"""What manifests say of models of three kinds: kept through their text, refused when wrong."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ondol.device import Needs
from ondol.errors import CorruptBundle
from ondol.manifest import Defaults, FileEntry, Licence, Manifest, Origin, Recipe, Variant, parse
from ondol.model_facts import EncoderFacts, ModelFacts, SpeechFacts

HASH = "ab" * 32
DECODER = ModelFacts("qwen3", 2, 1, 32, 272, 128, 1000, None, (271,))
ENCODER = EncoderFacts(
    "bert", "embed", 2, 32, 272, 64, 999, 0, "mean", True, "query: ", "passage: ", ()
)
TAGGER = replace(ENCODER, task="tag", pooling="none", labels=("O", "B-PS"))
SPEECH = SpeechFacts(
    "whisper", 1, 2, 16, 32, 60, 16, 999, 8, 16_000, 20, 400, 160, (50, 51), 49, (1, 2)
)
VALID = Manifest(
    ondol_bundle=1,
    name="tiny",
    created_by="ondol 0",
    model=SPEECH,
    files=tuple(FileEntry(f"{n}", 9, HASH) for n in ("a.onnx", "b.onnx", "tokenizer.json")),
    variants=(Variant("cpu", "a.onnx", ("b.onnx",), Needs((), (), 9)),),
    origins=(Origin("model.safetensors", 100, HASH),),
    provenance="",
    recipe=Recipe("auto", 128, "full", 8, None, "size", (), ()),
    licence=Licence("Apache-2.0", "commercial", "", ""),
    defaults=Defaults("", 1.0),
)


def changed(base: Any, field: str, value: Any) -> bytes:
    data = json.loads(replace(VALID, model=base).to_json())
    data["model"][field] = value
    return json.dumps(data).encode()


@pytest.mark.parametrize("kind", [DECODER, ENCODER, TAGGER, SPEECH])
def test_models_of_every_kind_survive_their_text(kind: Any) -> None:
    manifest = replace(VALID, model=kind)
    assert parse(manifest.to_json().encode(), "x") == manifest


@pytest.mark.parametrize(
    ("base", "field", "value"),
    [
        (ENCODER, "task", "sing"),
        (ENCODER, "pooling", "max"),
        (ENCODER, "labels", ["one"]),
        (TAGGER, "labels", []),
        (ENCODER, "pad", 272),
        (ENCODER, "width", 0),
        (ENCODER, "normalised", 1),
        (ENCODER, "query_prefix", None),
        (SPEECH, "eos", 60),
        (SPEECH, "start", [60]),
        (SPEECH, "suppressed", [-1]),
        (SPEECH, "hop", 0),
        (SPEECH, "frames", 1 << 40),
    ],
)
def test_facts_that_do_not_hold_are_corrupt(base: Any, field: str, value: Any) -> None:
    with pytest.raises(CorruptBundle, match="model"):
        parse(changed(base, field, value), "x")


@pytest.mark.parametrize("base", [ENCODER, SPEECH])
def test_kinds_are_not_mixed(base: Any) -> None:
    with pytest.raises(CorruptBundle, match="kv_heads"):
        parse(changed(base, "kv_heads", 1), "x")


def test_a_recogniser_needs_its_audio_encoder() -> None:
    silent = replace(VALID, variants=(Variant("cpu", "a.onnx", (), Needs((), (), 9)),))
    with pytest.raises(CorruptBundle, match="audio encoder"):
        parse(silent.to_json().encode(), "x")
