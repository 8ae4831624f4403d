"""Conversions that cannot end well: the error has a name, and nothing old is lost."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import (
    BundleNotFound,
    CorruptSource,
    MissingTokenizer,
    OndolError,
    OptionError,
    SourceError,
    StorageError,
    UnknownArchitecture,
    UnsupportedTensor,
)
from ondol.manifest import Defaults
from ondol_converters.assembly import Terms
from ondol_converters.conversion import convert
from ondol_converters.families import FAMILIES
from ondol_converters.recipe import Options
from ondol_converters.sources import open_source
from tiny_gguf import GGUF_NAMES, write_gguf
from tiny_models import CONTEXT, MODELS, Tiny

Arrays = dict[str, Any]
OPTIONS = Options(context=64)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A Hugging Face folder that a test may break."""
    return shutil.copytree(MODELS / "qwen3", tmp_path / "model")


def set_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def set_tensors(folder: Path, change: Callable[[Arrays], Arrays | None]) -> None:
    """Rewrite the weights in float32."""
    with open_source(folder) as source:
        from ondol_converters.quantise.blocks import dense

        tensors = {
            name: dense(source.read(name), info.kind, info.shape[-1]).reshape(info.shape)
            for name, info in source.tensors.items()
        }
    path = folder / "model.safetensors"
    save_file(change(tensors) or tensors, path)
    assert load_file(path)


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def refused(source: Path, target: Path, kind: type[OndolError]) -> OndolError:
    """The error of converting, of exactly this kind, with no bundle left and the old one whole."""
    assert not target.exists()
    with pytest.raises(kind) as caught:
        convert(source, target, options=OPTIONS)
    assert type(caught.value) is kind and caught.value.what
    assert target.name not in left(target.parent)
    assert not [name for name in left(target.parent) if name.endswith((".partial", ".old"))]
    shutil.copytree(MODELS.parent / "models", target.parent / "good", dirs_exist_ok=True)
    made = convert(target.parent / "good" / "qwen2", target, options=OPTIONS).bundle
    with pytest.raises(kind):
        convert(source, target, options=OPTIONS)
    kept = Bundle.open(target)
    kept.verify()
    assert kept.manifest == made.manifest
    return caught.value


def test_an_unknown_architecture_is_named_with_the_known(model: Path, tmp_path: Path) -> None:
    set_config(model, model_type="gpt_oss")
    error = refused(model, tmp_path / "out", UnknownArchitecture)
    assert "gpt_oss" in error.what and ", ".join(sorted(FAMILIES)) in error.why


def test_an_unknown_architecture_of_a_gguf(tmp_path: Path) -> None:
    path = write_gguf("qwen2", tmp_path / "a.gguf")
    path.write_bytes(path.read_bytes().replace(b"qwen2", b"wqen3"))
    error = refused(path, tmp_path / "out", UnknownArchitecture)
    assert "wqen3" in error.what and "nearest is qwen2" in error.why


def test_a_model_saved_without_its_head(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "gpt2"
    shutil.copytree(MODELS / "gpt2", folder)
    set_tensors(folder, lambda t: {k.removeprefix("transformer."): v for k, v in t.items()})
    made = convert(folder, tmp_path / "out", options=Options(weights="float32", context=CONTEXT))
    whole = tiny("gpt2", "float32").file("weights.bin").read_bytes()
    assert made.bundle.file("weights.bin").read_bytes() == whole


def test_a_missing_tokenizer(model: Path, tmp_path: Path) -> None:
    (model / "tokenizer.json").unlink()
    error = refused(model, tmp_path / "out", MissingTokenizer)
    assert error.fix


@pytest.mark.parametrize("name", ["model.norm.weight", "model.layers.1.mlp.up_proj.weight"])
def test_a_missing_tensor_is_named(model: Path, tmp_path: Path, name: str) -> None:
    set_tensors(model, lambda t: {k: v for k, v in t.items() if k != name})
    error = refused(model, tmp_path / "out", CorruptSource)
    assert name in error.what and "missing" in error.why


def test_a_tensor_of_another_shape_is_named(model: Path, tmp_path: Path) -> None:
    name = "model.layers.0.self_attn.k_norm.weight"
    set_tensors(model, lambda t: {**t, name: t[name][:-1]})
    error = refused(model, tmp_path / "out", CorruptSource)
    assert name in error.what and "(31,)" in error.why


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf], ids=str)
@pytest.mark.parametrize(
    "name", ["model.embed_tokens.weight", "model.norm.weight", "model.layers.1.mlp.up_proj.weight"]
)
@pytest.mark.parametrize("weights", ["auto", "float32", "float16", "int4"])
def test_a_weight_that_is_no_number(
    model: Path, tmp_path: Path, name: str, bad: float, weights: Any
) -> None:
    def spoil(tensors: Arrays) -> None:
        tensors[name].flat[5] = bad

    set_tensors(model, spoil)
    with pytest.raises(CorruptSource, match="not a number"):
        convert(model, tmp_path / "out", options=Options(weights=weights, context=64))
    assert left(tmp_path) == {"model"}


@pytest.mark.parametrize("name", ["self_attn.o_proj.bias", "mlp.experts.0.up_proj.weight"])
def test_a_tensor_that_would_be_ignored(model: Path, tmp_path: Path, name: str) -> None:
    extra = f"model.layers.0.{name}"
    set_tensors(model, lambda t: {**t, extra: np.ones(48, np.float32)})
    error = refused(model, tmp_path / "out", UnsupportedTensor)
    assert extra in error.why


def test_what_is_ignored_is_found_before_anything_is_written(model: Path, tmp_path: Path) -> None:
    set_tensors(model, lambda t: {**t, "extra": np.ones(4, np.float32)})
    seen: list[tuple[str, int, int]] = []
    with pytest.raises(UnsupportedTensor):
        convert(model, tmp_path / "out", progress=lambda *step: seen.append(step))
    assert "weights" not in {stage for stage, _, _ in seen}


def test_a_rope_scaling_that_is_not_drawn(model: Path, tmp_path: Path) -> None:
    set_config(model, rope_scaling={"rope_type": "yarn", "factor": 4.0})
    assert "yarn" in refused(model, tmp_path / "out", UnsupportedTensor).why


def test_a_scaling_beside_factors_is_not_half_drawn(tmp_path: Path) -> None:
    from ondol_converters.families import describe

    path = write_gguf("llama3", tmp_path / "a.gguf")
    with open_source(path) as source:
        config = dict(source.config)
    assert describe("llama", config, "gguf").ropes[0].scaling == "tensor"
    config["rope_scaling"] = {"rope_type": "tensor and yarn", "tensor": "rope_freqs.weight"}
    with pytest.raises(UnsupportedTensor, match="tensor and yarn"):
        describe("llama", config, "gguf")


def test_a_config_that_contradicts_the_tensors(model: Path, tmp_path: Path) -> None:
    set_config(model, intermediate_size=96)
    assert "mlp.gate_proj" in refused(model, tmp_path / "out", CorruptSource).what


def test_a_tokenizer_of_a_larger_model(model: Path, tmp_path: Path) -> None:
    set_config(model, vocab_size=200)
    rows = "model.embed_tokens.weight"
    set_tensors(model, lambda t: {**t, rows: t[rows][:200]})
    error = refused(model, tmp_path / "out", CorruptSource)
    assert "tokenizer" in error.what and "200" in error.why


@pytest.mark.parametrize("name", GGUF_NAMES)
def test_a_gguf_cut_short_anywhere(name: str, tmp_path: Path) -> None:
    path = write_gguf(name, tmp_path / "a.gguf", "F16")
    raw = path.read_bytes()
    for size in (0, 3, 24, len(raw) // 10, len(raw) // 2, len(raw) - 32):  # its end is filled up
        path.write_bytes(raw[:size])
        with pytest.raises(SourceError):
            convert(path, tmp_path / "out", options=OPTIONS)
    assert left(tmp_path) == {"a.gguf"}


def test_a_folder_that_is_no_bundle_is_not_replaced(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine"
    target.mkdir()
    (target / "thesis.txt").write_text("years of work")
    with pytest.raises(OptionError, match="no bundle") as caught:
        convert(model, target, options=OPTIONS)
    assert caught.value.fix and (target / "thesis.txt").read_text() == "years of work"
    with pytest.raises(OptionError):
        convert(model, model, options=OPTIONS)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OptionError):
        convert(model, tmp_path / "file", options=OPTIONS)


@pytest.mark.parametrize("target", ["/proc/ondol", "/dev/null/ondol"])
def test_a_target_where_nothing_can_be_written(model: Path, target: str) -> None:
    with pytest.raises(StorageError, match="Cannot write"):
        convert(model, Path(target), options=OPTIONS)


@pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a\\b", "C:", "a\x1b[2J", "x" * 201])
def test_an_unsafe_name_is_refused(model: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match="name"):
        convert(model, tmp_path / "out", name=name, options=OPTIONS)
    assert left(tmp_path) == {"model"}


def test_a_target_that_gives_no_safe_name_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="hidden"):
        convert(model, tmp_path / ".hidden", options=OPTIONS)
    made = convert(model, tmp_path / ".hidden", name="seen", options=OPTIONS)
    assert made.bundle.name == "seen"


def test_an_older_bundle_is_replaced_and_nothing_else_is_left(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    first = convert(model, target, options=OPTIONS).bundle.manifest
    second = convert(model, target, options=Options(context=32), name="two").bundle
    assert (first.name, second.name) == ("out", "two")
    second.verify()
    assert Bundle.open(target).manifest == second.manifest
    assert left(tmp_path) == {"model", "out"}


def test_a_bundle_may_be_replaced_while_it_is_open(model: Path, tmp_path: Path) -> None:
    target = tmp_path / "out"
    convert(model, target, options=OPTIONS)
    with Engine.open(target) as engine:
        before = engine.session.append([1, 2, 3]).copy()
        convert(MODELS / "qwen2", target, options=OPTIONS)
        engine.session.rewind(0)
        assert (engine.session.append([1, 2, 3]) == before).all()
    assert Bundle.open(target).manifest.model.model_type == "qwen2"


def test_the_same_source_gives_the_same_bytes(model: Path, tmp_path: Path) -> None:
    one, two = (convert(model, tmp_path / n / "x", options=OPTIONS).bundle for n in ("a", "b"))
    assert one.manifest == two.manifest


def test_what_it_is_told_is_in_the_manifest(model: Path, tmp_path: Path) -> None:
    terms = Terms("MIT", "commercial", b"MIT License", "LICENSE.txt", "note", "from there")
    made = convert(
        model,
        tmp_path / "out",
        name="한국어",
        options=OPTIONS,
        terms=terms,
        defaults=Defaults("짧게.", 1.1),
    )
    manifest = made.bundle.manifest
    assert (manifest.name, manifest.provenance) == ("한국어", "from there")
    assert (manifest.licence.name, manifest.licence.note) == ("MIT", "note")
    assert made.bundle.file("LICENSE.txt").read_bytes() == b"MIT License"
    assert manifest.defaults == Defaults("짧게.", 1.1)
    assert {origin.name for origin in manifest.origins} >= {"config.json", "model.safetensors"}
    assert manifest.recipe.context == manifest.model.context == 64
    assert made.parameters == manifest.model.parameters > 0


def test_nothing_is_where_the_source_should_be(tmp_path: Path) -> None:
    for source in (tmp_path / "absent", tmp_path / "absent.gguf", tmp_path):
        with pytest.raises(SourceError):
            convert(source, tmp_path / "out", options=OPTIONS)
    assert left(tmp_path) == set()
    with pytest.raises(BundleNotFound):
        Bundle.open(tmp_path / "out")
