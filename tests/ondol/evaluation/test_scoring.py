"""Scores against log-softmax in numpy, and comparisons against sums written out."""

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ondol.bundle import Bundle
from ondol.errors import BadText, DeviceError, OptionError
from ondol.evaluation import scoring
from ondol.evaluation.scoring import OpenModel, Score, compare, score
from ondol.runtime import DecoderSession
from ondol.tokenizer import Tokenizer
from open_model import opened, token_by_token
from source_tree import ROOT
from tiny_models import Tiny
from weights import starter_bundle

TEXT = "온돌은 바닥을 데운다. abc 12!\n아궁이에 불을 때면 방이 따뜻하다.\n"


@pytest.fixture(params=["gemma3", "qwen2"])
def bundle(request: pytest.FixtureRequest, tiny: Tiny) -> Bundle:
    return tiny(request.param, "float32")


@pytest.mark.parametrize("begins", [True, False], ids=["bos", "no bos"])
def test_bits_are_those_of_numpy(
    begins: bool, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "CHUNK_BYTES", 7 * 4 * bundle.decoder.vocabulary)
    model = opened(bundle, "reference")
    model.tokenizer.bos = bundle.decoder.bos if begins else None
    text = TEXT[:40]
    found = score(model, text)
    ids = model.tokenizer.encode(text)
    bos = model.tokenizer.bos
    given = ids if bos is None else [bos, *ids]
    rows = token_by_token(model, given[:-1])
    wanted = -sum(float(row[token]) for row, token in zip(rows, given[1:], strict=True))
    first = 0 if bos is not None else len(model.tokenizer.decode(ids[:1]))
    # float32 logits of float64 arithmetic, and a float32 logarithm: 1e-6 of a bit each
    assert found.bits == pytest.approx(wanted / math.log(2), rel=1e-6)
    assert found.tokens == len(given) - 1 and found.characters == len(text) - first
    assert found.spelt


def test_a_long_text_is_scored_in_windows(bundle: Bundle) -> None:
    model = opened(bundle, context=64)
    text = TEXT * 4
    seen: list[tuple[int, int]] = []
    whole = score(model, text, lambda done, total: seen.append((done, total)))
    pieces = list(scoring._cut(text, [model.tokenizer], 64))
    assert "".join(pieces) == text and len(pieces) > 3
    assert all(model.tokenizer.count(piece) <= 64 for piece in pieces)
    parts = [score(model, piece) for piece in pieces]
    assert whole.bits == pytest.approx(sum(part.bits for part in parts), rel=1e-6)
    assert whole.characters == sum(part.characters for part in parts)
    assert seen[-1][0] == whole.tokens and seen == sorted(seen)


def test_text_is_composed_first(bundle: Bundle) -> None:
    import unicodedata

    model = opened(bundle)
    assert score(model, unicodedata.normalize("NFD", TEXT)) == score(model, TEXT)


def test_a_model_is_like_itself(bundle: Bundle) -> None:
    found = compare(opened(bundle), opened(bundle), TEXT)
    assert found.relative_loss == 0 and found.kl_bits == pytest.approx(0, abs=1e-9)
    assert found.top1_agreement == 1.0 and not found.renormalised
    assert found.positions == found.this.tokens == found.reference.tokens
    assert found.common_tokens == bundle.decoder.vocabulary


def test_a_comparison_is_what_numpy_says(tiny: Tiny) -> None:
    exact, rounded = tiny("gemma3", "float32"), tiny("gemma3", "int4")
    this, reference = opened(rounded), opened(exact)
    found = compare(this, reference, TEXT)
    ids = [reference.tokenizer.bos or 0, *reference.tokenizer.encode(TEXT)][:-1]
    p, q = token_by_token(reference, ids), token_by_token(this, ids)
    kl = (np.exp(p) * (p - q)).sum(-1).mean() / math.log(2)
    # the rows come from one pass over many tokens: other sums in float32, 1e-4 of each logit
    assert found.kl_bits == pytest.approx(kl, rel=1e-2) and kl > 1e-4
    assert found.top1_agreement == pytest.approx((p.argmax(-1) == q.argmax(-1)).mean())
    wanted = score(this, TEXT).bits / score(reference, TEXT).bits - 1
    assert found.relative_loss == pytest.approx(wanted, rel=1e-6)


class _Trimmed(DecoderSession):
    """A model whose vocabulary lacks some tokens, around one that has them all."""

    def __init__(self, whole: DecoderSession, kept: list[int]) -> None:
        super().__init__(context=whole.context, vocabulary=len(kept))
        self._whole, self._kept = whole, kept

    def _append(self, ids: object) -> NDArray[np.float32]:
        assert isinstance(ids, list)
        return self._whole.append([self._kept[token] for token in ids])[self._kept]

    def _rewind(self, length: int) -> None:
        self._whole.rewind(length)


def _merges(bundle: Bundle) -> list[list[str]]:
    data = json.loads(bundle.file("tokenizer.json").read_text("utf-8"))
    found: list[list[str]] = data["model"]["merges"]
    return found


def _without(bundle: Bundle, dropped: set[str], folder: Path) -> tuple[Tokenizer, list[int]]:
    """The tokenizer without some tokens, and the ids it keeps in their order."""
    data = json.loads(bundle.file("tokenizer.json").read_text("utf-8"))
    vocabulary: dict[str, int] = data["model"]["vocab"]
    data["model"]["merges"] = [
        pair for pair in _merges(bundle) if not dropped & {*pair, "".join(pair)}
    ]
    kept = sorted(number for text, number in vocabulary.items() if text not in dropped)
    kept += [token["id"] for token in data["added_tokens"]]
    new = {old: number for number, old in enumerate(kept)}
    data["model"]["vocab"] = {t: new[n] for t, n in vocabulary.items() if n in new}
    for token in data["added_tokens"]:
        token["id"] = new[token["id"]]
    (folder / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False), "utf-8")
    bos = bundle.decoder.bos
    made = Tokenizer.open(folder / "tokenizer.json", bos=None if bos is None else new[bos])
    return made, kept


def test_tokens_that_are_gone_are_left_out(tiny: Tiny, tmp_path: Path) -> None:
    bundle = tiny("gemma3", "float32")
    reference, whole = opened(bundle), opened(bundle)
    used = set(reference.tokenizer.encode(TEXT)) | {reference.tokenizer.bos}
    by_id = {number: text for text, number in reference.tokenizer.vocabulary.items()}
    merged = {part for pair in _merges(bundle) for part in pair}  # those must stay
    dropped = {by_id[number] for number in range(100, 256) if number not in used} - merged
    tokenizer, kept = _without(bundle, dropped, tmp_path)
    assert dropped and len(kept) == bundle.decoder.vocabulary - len(dropped)
    found = compare(OpenModel(_Trimmed(whole.session, kept), tokenizer), reference, TEXT)
    assert found.renormalised and found.common_tokens == len(kept)
    assert found.positions == found.this.tokens == found.reference.tokens
    assert found.kl_bits == pytest.approx(0, abs=1e-5) and found.top1_agreement == 1.0
    assert found.this.bits < found.reference.bits  # what was gone cost the others nothing


def test_positions_count_where_tokens_agree(tiny: Tiny, tmp_path: Path) -> None:
    bundle = tiny("gemma3", "float32")
    reference, whole = opened(bundle), opened(bundle)
    text = "가나다 가나다 마바사 abc"
    by_id = {number: text for text, number in reference.tokenizer.vocabulary.items()}
    merged = next(by_id[t] for t in reference.tokenizer.encode(text) if t >= 256)
    tokenizer, kept = _without(bundle, {merged}, tmp_path)
    this = OpenModel(_Trimmed(whole.session, kept), tokenizer)
    found = compare(this, reference, text)
    assert found.this.spelt and found.this.characters == found.reference.characters == len(text)
    gone = reference.tokenizer.encode(text).count(reference.tokenizer.vocabulary[merged])
    assert gone and found.this.tokens > found.reference.tokens
    assert found.positions == found.reference.tokens - gone
    assert found.kl_bits is not None and found.kl_bits > 0


def test_what_cannot_be_scored_is_refused(tiny: Tiny) -> None:
    model = opened(tiny("qwen2"))
    model.tokenizer.bos = None
    for text in ("", "a"):  # without a bos the first token has nothing before it
        with pytest.raises(BadText, match="too short"):
            score(model, text)
    with pytest.raises(OptionError, match="itself"):
        compare(model, model, TEXT)


class _Broken(DecoderSession):
    def _append(self, ids: object) -> NDArray[np.float32]:
        return np.full(self.vocabulary, np.nan, np.float32)


def test_logits_that_are_no_numbers_are_noticed(tiny: Tiny) -> None:
    model = opened(tiny("gemma3"))
    broken = _Broken(context=64, vocabulary=model.session.vocabulary)
    with pytest.raises(DeviceError, match="not numbers"):
        score(OpenModel(broken, model.tokenizer), TEXT[:20])


def test_scores_add_up() -> None:
    total = Score(3.0, 2, 1, True).plus(Score(5.0, 2, 1, False))
    assert total == Score(8.0, 4, 2, False) and total.bits_per_character == 2.0
    assert dataclasses.replace(total, bits=2.0).bits_per_character == 0.5


@pytest.fixture(scope="module")
def constitution() -> Iterator[str]:
    path = ROOT / "tests" / "fixtures" / "text" / "constitution.txt"
    yield path.read_text(encoding="utf-8")[:1475]


@pytest.mark.weights
def test_gemma_is_as_good_token_by_token(constitution: str) -> None:
    """The lossless bundle on the text and the count of characters that peers were measured on."""
    bundle = starter_bundle("gemma")
    model = opened(bundle)
    found = score(model, constitution)
    assert found.spelt and found.characters == 1475
    assert found.bits_per_character == pytest.approx(2.24, abs=0.01)
    ids = [model.tokenizer.bos or 0, *model.tokenizer.encode(constitution)]
    rows = token_by_token(model, ids[:-1])
    bits = -sum(float(row[t]) for row, t in zip(rows, ids[1:], strict=True)) / math.log(2)
    # sums in another order flip single activations in 8 bits: 0.2 % of a line, less of a text
    assert found.bits == pytest.approx(bits, rel=1e-3)
