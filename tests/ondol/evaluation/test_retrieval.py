"""Retrieval: ranks counted by hand, our pairs, and an encoder whose vectors numpy knows."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from graph_bundle import WIDTH, encoder_bundle, graph
from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.errors import WrongKind
from ondol.evaluation.measuring import measure
from ondol.evaluation.retrieval import beside, measure_retrieval, pairs, scored
from ondol.evaluation.text import letter_counts
from ondol.manifest import MANIFEST, Origin
from ondol.tokenizer import Tokenizer
from tiny_models import Tiny
from weights import starter_bundle

TABLE = np.random.default_rng(7).standard_normal((512, WIDTH)).astype(np.float32)
FILE = Origin("f", 1, "0" * 64)


def test_ranks_become_scores() -> None:
    likeness = np.full((6, 6), 0.5, np.float32)
    likeness[0, 0] = 0.9  # first
    likeness[1, 1] = 0.4  # last of six
    likeness[2, 3], likeness[2, 2] = 0.8, 0.7  # second
    np.fill_diagonal(likeness[3:, 3:], 1.0)  # first
    found = scored(FILE, "ko", likeness)
    assert found.recall_at_1 == pytest.approx(4 / 6) and found.recall_at_5 == pytest.approx(5 / 6)
    assert found.mean_reciprocal_rank == pytest.approx((4 + 1 / 2 + 1 / 6) / 6)
    assert (found.queries, found.passages) == (6, 6)


def test_a_model_that_sees_no_difference_scores_nothing() -> None:
    found = scored(FILE, "ko", np.ones((10, 10), np.float32))
    assert found.recall_at_5 == 0.0 and found.mean_reciprocal_rank == pytest.approx(0.1)


def test_our_pairs_have_hard_distractors() -> None:
    given = pairs()
    topics = Counter((pair.kind, pair.topic) for pair in given.pairs)
    kinds = Counter(pair.kind for pair in given.pairs)
    assert kinds["ko"] >= 60 and kinds["ko-en"] >= 20 and given.kinds() == ("ko", "ko-en")
    assert min(topics.values()) >= 3  # every passage has others of its topic beside it
    assert len({pair.passage for pair in given.pairs}) == len(given.pairs)
    for pair in given.pairs:
        hangul, latin, letters = letter_counts(pair.passage)
        assert (hangul if pair.kind == "ko" else latin) / letters > 0.9
        assert letter_counts(pair.query)[0] > 3


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    """An encoder with room for our passages, spelt in bytes."""
    bundle = encoder_bundle(tmp_path / "encoder", graph(TABLE))
    facts = replace(bundle.encoder, context=512, query_prefix="query: ", vocabulary=len(TABLE))
    manifest = replace(bundle.manifest, model=facts)
    (bundle.path / MANIFEST).write_text(manifest.to_json(), "utf-8")
    return Bundle.open(bundle.path)


def test_an_encoder_is_measured(bundle: Bundle) -> None:
    seen: list[tuple[int, int]] = []
    with Encoder.open(bundle) as encoder:
        found = measure_retrieval(encoder, lambda *at: seen.append(at))
    chosen = [pair for pair in pairs().pairs if pair.kind == "ko"]
    tokenizer = Tokenizer.open(bundle.file("tokenizer.json"))

    def vectors(texts: list[str]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        means = np.stack(
            [TABLE[list(tokenizer.frame(t).ids)].astype(np.float64).mean(axis=0) for t in texts]
        )
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True))

    likeness = (
        vectors(["query: " + p.query for p in chosen]) @ vectors([p.passage for p in chosen]).T
    )
    ranks = [1 + sum(row > row[i]) for i, row in enumerate(likeness)]
    assert found[0].mean_reciprocal_rank == pytest.approx(np.mean([1 / r for r in ranks]), rel=1e-3)
    assert found[0].recall_at_5 == pytest.approx(np.mean([r <= 5 for r in ranks]))
    assert seen[-1] == (2 * len(pairs().pairs), 2 * len(pairs().pairs))
    both = beside(found, found)
    assert [each.source_recall_at_1 for each in both] == [each.recall_at_1 for each in found]


def test_a_report_of_an_encoder(bundle: Bundle) -> None:
    quality = measure(bundle, bundle)
    assert not quality.texts and not quality.generation
    assert [each.kind for each in quality.retrieval] == ["ko", "ko-en"]
    for each in quality.retrieval:
        assert each.source_mean_reciprocal_rank == each.mean_reciprocal_rank > 0


def test_what_is_no_encoder_is_refused_beside_one(tiny: Tiny, bundle: Bundle) -> None:
    for pair in ((bundle, tiny("gemma3")), (tiny("gemma3"), bundle)):
        with pytest.raises(WrongKind):
            measure(*pair)


@pytest.mark.weights
def test_e5_finds_most_passages() -> None:
    """A model trained to search, far above the chance of 1 in 64 and of 1 in 24."""
    quality = measure(starter_bundle("e5"))
    korean, english = quality.retrieval
    assert korean.recall_at_1 > 0.6 and korean.recall_at_5 > 0.8
    assert english.recall_at_1 > 0.6 and english.recall_at_5 > 0.8
