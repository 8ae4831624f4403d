"""`--target npu`: the quantised variant beside the bundle's own graphs, and its honest report."""

import json
import math
from pathlib import Path

import numpy as np
import onnx
import pytest

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import OptionError
from ondol.evaluation.text import evaluation_texts
from ondol.manifest import Variant
from ondol.target_reports import NpuReport
from ondol.tokenizer import Tokenizer
from ondol_converters.conversion import Conversion, convert
from ondol_converters.families import recognise
from ondol_converters.families.decoder import Decoder
from ondol_converters.recipe import Activations, Options
from ondol_converters.sources import open_source
from ondol_converters.static_run import StaticRun
from ondol_converters.targets import TARGETS, target
from tiny_models import CONTEXT, MODELS, expected

BUCKET = 64
# Random models are far more sensitive than trained ones: 0.018 and 0.078 were seen.
ERRORS: dict[Activations, float] = {"a16w8": 0.04, "a8w8": 0.15, "float16": 0.004}
TRIED: tuple[tuple[str, Activations], ...] = (
    ("gemma3", "a16w8"),
    ("gemma3", "a8w8"),
    ("gemma3", "float16"),
    ("qwen2_untied", "a16w8"),
    ("qwen2_untied", "a8w8"),
    ("gpt2", "a16w8"),
    ("gptj", "a16w8"),
    ("gptj", "float16"),
    ("gpt_neox_sequential", "a8w8"),
)


def made(name: str, activations: Activations, folder: Path) -> Conversion:
    options = Options(target="npu", activations=activations, context=CONTEXT)
    return convert(MODELS / name, folder / f"{name}-{activations}", options=options)


@pytest.fixture(scope="module")
def sixteen(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    return made("qwen3", "a16w8", tmp_path_factory.mktemp("npu"))


def variant(bundle: Bundle) -> Variant:
    found = bundle.variant("npu")
    assert found is not None
    return found


def decoder_of(name: str) -> Decoder:
    with open_source(MODELS / name) as source:
        return recognise(source)[0]


def runs(bundle: Bundle, name: str) -> tuple[StaticRun, StaticRun]:
    """The variant's prefill and decode graphs."""
    found, decoder = variant(bundle), decoder_of(name)
    prefill = StaticRun(bundle.file(found.prefill[0]), decoder, BUCKET, CONTEXT, 1)
    return prefill, StaticRun(bundle.file(found.graph), decoder, 1, CONTEXT, 1)


@pytest.mark.parametrize(("name", "activations"), TRIED)
def test_the_variant_stays_near_transformers(
    name: str, activations: Activations, tmp_path: Path
) -> None:
    bundle = made(name, activations, tmp_path).bundle
    bundle.verify()
    known = expected(name)
    prefill, decode = runs(bundle, name)
    prefill.fill(known.ids[:BUCKET])
    decode.take(prefill)
    found, wanted = decode.append(known.ids[BUCKET:]), known.prefill[BUCKET:]
    rms = math.sqrt(np.mean(np.square(found - wanted)) / np.mean(np.square(wanted)))
    assert 0 < rms <= ERRORS[activations]


def test_the_cpu_runs_the_same_bundle(sixteen: Conversion) -> None:
    with Engine.open(sixteen.bundle) as engine:
        assert np.isfinite(engine.session.append([5, 6, 7])).all()


def test_the_report_is_what_the_files_give(sixteen: Conversion) -> None:
    bundle, report = sixteen.bundle, sixteen.npu
    assert isinstance(report, NpuReport)
    assert (
        json.loads(bundle.file("npu.json").read_text("utf-8"))["tokens"]
        == report.tokens
        == CONTEXT - 1
    )
    tokenizer = Tokenizer.open(
        bundle.file("tokenizer.json"), bos=bundle.decoder.bos, eos=bundle.decoder.eos
    )
    text = next(text.text for text in evaluation_texts() if text.language == "ko")
    ids = [*([] if tokenizer.bos is None else [tokenizer.bos]), *tokenizer.encode(text)][:CONTEXT]
    _, decode = runs(bundle, "qwen3")
    logits = decode.append(ids[:-1]).astype(np.float64)
    own = logits[np.arange(len(logits)), ids[1:]]
    bits = float((np.log(np.exp(logits).sum(1)) - own).sum() / math.log(2))
    characters = len(tokenizer.decode(ids)) - len(tokenizer.decode(ids[:1]))
    # one by one, sums round otherwise and land on another step now and then
    assert report.bits_per_character == pytest.approx(bits / characters, rel=1e-3)
    assert report.bits_per_character != pytest.approx(report.float_bits_per_character, rel=1e-6)
    assert report.relative_loss == pytest.approx(
        report.bits_per_character / report.float_bits_per_character - 1
    )
    assert 0 < report.top1_agreement <= 1


def test_buckets_and_steps_make_the_same_cache(sixteen: Conversion) -> None:
    ids = expected("qwen3").ids
    prefill, decode = runs(sixteen.bundle, "qwen3")
    prefill.fill(ids[:BUCKET])
    decode.take(prefill)
    found = decode.append(ids[BUCKET:])
    _, alone = runs(sixteen.bundle, "qwen3")
    wanted = alone.append(ids)[BUCKET:]
    # float sums in another order land on another step now and then
    assert np.abs(found - wanted).max() <= 0.02 * np.abs(wanted).max()


def test_the_graphs_are_static_plain_and_share_their_weights(sixteen: Conversion) -> None:
    bundle = sixteen.bundle
    found = variant(bundle)
    shapes = {}
    for file, n in ((found.graph, 1), (found.prefill[0], BUCKET)):
        model = onnx.load(str(bundle.file(file)), load_external_data=False)
        assert {node.domain for node in model.graph.node} <= {""}
        for value in (*model.graph.input, *model.graph.output):
            shapes[f"{n}/{value.name}"] = [
                dim.dim_value for dim in value.type.tensor_type.shape.dim
            ]
        places = {
            e.value for t in model.graph.initializer for e in t.external_data if e.key == "location"
        }
        assert places == {"npu.bin"}
        assert max(len(t.raw_data) for t in model.graph.initializer) < 1024
    assert all(size > 0 for shape in shapes.values() for size in shape)
    assert shapes["1/mask"] == [1, CONTEXT + 1] and shapes["64/mask"] == [64, CONTEXT + 64]
    assert shapes["1/past_key_values.0.key"] == shapes["64/past_key_values.0.key"]
    assert "1/logits" in shapes and "64/logits" not in shapes
    assert "uint16" in found.needs.precisions and "QuantizeLinear" in found.needs.operators
    assert found.needs.weight_bytes == bundle.file("npu.bin").stat().st_size


def test_a_tied_embedding_is_the_heads_own_copy(tmp_path: Path) -> None:
    for name, copies in (("qwen3", 1), ("qwen2_untied", 2)):
        bundle = made(name, "a8w8", tmp_path).bundle
        model = onnx.load(str(bundle.file("npu.onnx")), load_external_data=False)
        tables = [t for t in model.graph.initializer if list(t.dims) == [272, 48]]
        places = {e.value for t in tables for e in t.external_data if e.key == "offset"}
        assert len(places) == copies
        assert {t.data_type for t in tables} == {onnx.TensorProto.INT8}


def test_float16_is_not_calibrated_and_half_as_large(tmp_path: Path) -> None:
    done = made("qwen3", "float16", tmp_path)
    found, manifest = variant(done.bundle), done.bundle.manifest
    assert manifest.recipe.calibration == () and found.needs.precisions == ("float32", "float16")
    assert isinstance(done.npu, NpuReport) and done.npu.calibration_tokens == 0
    for name in (found.graph, *found.prefill):
        model = onnx.load(str(done.bundle.file(name)), load_external_data=False)
        ends = {v.type.tensor_type.elem_type for v in (*model.graph.input, *model.graph.output)}
        assert ends == {onnx.TensorProto.INT32, onnx.TensorProto.FLOAT}
        kinds = {tensor.data_type for tensor in model.graph.initializer}
        assert onnx.TensorProto.FLOAT16 in kinds and onnx.TensorProto.FLOAT not in kinds
        places = {
            entry.value
            for tensor in model.graph.initializer
            for entry in tensor.external_data
            if entry.key == "location"
        }
        assert places == {"npu.bin"}
    # the tied table is there once, as in the bundle's own float32 weights
    whole = convert(MODELS / "qwen3", tmp_path / "whole", options=Options("float32"))
    own = whole.bundle.variant("cpu")
    assert own is not None and found.needs.weight_bytes < 0.6 * own.needs.weight_bytes


def test_calibration_is_named_and_nothing_is_left_over(sixteen: Conversion) -> None:
    manifest = sixteen.bundle.manifest
    assert {origin.name for origin in manifest.recipe.calibration} == {
        "ondol/ko.txt",
        "ondol/en.txt",
    }
    assert {path.name for path in sixteen.bundle.path.iterdir()} == {
        "manifest.json",
        *(entry.path for entry in manifest.files),
    }


def test_activations_belong_to_neural_processors() -> None:
    with pytest.raises(OptionError, match="activations"):
        Options(activations="a8w8")
    with pytest.raises(OptionError):
        Options(target="tpu")  # type: ignore[arg-type]


def test_the_command_knows_every_target() -> None:
    from ondol.cli.convert import TARGETS as SHOWN

    assert SHOWN == TARGETS
    assert [target(name).name for name in TARGETS] == list(TARGETS)
    assert target("npu").static and not target("cpu").static
