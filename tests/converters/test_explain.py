"""The plan of a conversion agrees with what converting then writes, to the byte."""

from pathlib import Path

import pytest

from ondol.errors import CorruptSource, OptionError
from ondol_converters.conversion import convert
from ondol_converters.explain import explain
from ondol_converters.recipe import Options
from ondol_converters.sources import open_source
from ondol_converters.starters import explain_starter
from tiny_gguf import write_gguf
from tiny_models import MODELS, NAMES
from weights import MODELS as STARTERS
from weights import gguf_path, starter_bundle


def agrees(source: Path, options: Options, target: Path) -> None:
    plan = explain(source, options)
    bundle = convert(source, target, options=options).bundle
    manifest = bundle.manifest
    sizes = {entry.path: entry.size for entry in manifest.files}
    assert plan.matrices == manifest.recipe.matrices
    assert plan.weight_bytes == sizes["weights.bin"]
    assert plan.file_bytes == sum(sizes.values())
    assert {g.file: g.graph_bytes for g in plan.graphs} == {
        name: size for name, size in sizes.items() if name.endswith(".onnx")
    }
    assert (plan.parameters, plan.context) == (bundle.decoder.parameters, bundle.decoder.context)
    assert (plan.vocabulary, plan.layers) == (bundle.decoder.vocabulary, bundle.decoder.layers)
    operators = {each.name for graph in plan.graphs for each in graph.operators}
    assert operators == set(manifest.variants[0].needs.operators)
    assert all(graph.mapped_bytes <= plan.weight_bytes for graph in plan.graphs)
    assert plan.memory_bytes == plan.weight_bytes + plan.cache_bytes


@pytest.mark.parametrize("name", NAMES)
def test_every_family(name: str, tmp_path: Path) -> None:
    agrees(MODELS / name, Options(context=64), tmp_path / "out")


@pytest.mark.parametrize("weights", ["float32", "float16", "int8", "int4"])
def test_every_kind_of_weights(weights: str, tmp_path: Path) -> None:
    agrees(MODELS / "qwen3", Options(weights=weights, context=64), tmp_path / "out")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16"])
def test_a_gguf(kind: str, tmp_path: Path) -> None:
    path = write_gguf("llama3", tmp_path / "tiny.gguf", kind)
    agrees(path, Options(context=64), tmp_path / "out")


def test_a_cut_vocabulary_and_a_small_cache(tmp_path: Path) -> None:
    plan = explain(MODELS / "qwen3", Options(context=64, vocabulary="ko-en"))
    assert plan.vocabulary_cut == "ko-en" and plan.vocabulary <= plan.source_vocabulary
    small = explain(MODELS / "qwen3", Options(context=64, kv_cache="int8"))
    whole = explain(MODELS / "qwen3", Options(context=64))
    assert small.cache_bytes * 4 == whole.cache_bytes > 0


def test_nothing_is_written_and_little_is_read(tmp_path: Path) -> None:
    path = write_gguf("qwen3", tmp_path / "tiny.gguf")
    with open_source(path) as source:
        read = []
        inner = source.read

        def counted(name: str, start: int = 0, stop: int | None = None):  # type: ignore[no-untyped-def]
            rows = inner(name, start, stop)
            read.append(rows.size)
            return rows

        source.read = counted  # type: ignore[method-assign]
        plan = explain(source, Options(context=64))
    assert sum(read) < path.stat().st_size / 10 and plan.weight_bytes > 0
    assert {each.name for each in tmp_path.iterdir()} == {"tiny.gguf"}


def test_a_model_that_is_broken_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"GGUF")
    with pytest.raises(CorruptSource):
        explain(tmp_path / "x.gguf")


@pytest.mark.weights
@pytest.mark.parametrize("name", ["gemma", "qwen"])
def test_the_starters(name: str) -> None:
    made = starter_bundle(name)
    plan = explain_starter(STARTERS[name])
    assert plan.weight_bytes == made.place("weights.bin").size
    assert plan.file_bytes == made.size and plan.matrices == made.manifest.recipe.matrices
    assert plan.licence == made.manifest.licence.name


@pytest.mark.weights
def test_an_encoder_is_not_explained() -> None:
    gguf_path("e5")
    with pytest.raises(OptionError, match="is an encoder"):
        explain_starter(STARTERS["e5"])
