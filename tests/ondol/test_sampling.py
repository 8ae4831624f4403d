"""Choosing tokens, against the textbook written out in numpy."""

import math
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from ondol.errors import OptionError
from ondol.sampling import Sampler, Sampling

Floats = NDArray[np.float32]


def flat(size: int = 300, seed: int = 0, spread: float = 2.0) -> Floats:
    return (np.random.default_rng(seed).standard_normal(size) * spread).astype(np.float32)


def textbook(logits: Floats, sampling: Sampling, seen: set[int]) -> dict[int, float]:
    """Every token that may be drawn and its probability, likeliest first."""
    scores = {}
    for token, logit in enumerate(logits.tolist()):
        if token in seen:
            penalty = sampling.repetition_penalty
            logit = float(np.float32(logit / penalty if logit > 0 else logit * penalty))
        scores[token] = logit / sampling.temperature
    order = sorted(scores, key=lambda token: (-scores[token], token))
    order = order[: sampling.top_k or len(order)]
    raised = {token: math.exp(scores[token] - scores[order[0]]) for token in order}
    raised = {token: share for token, share in raised.items() if share >= sampling.min_p}
    total = sum(raised.values())
    kept: dict[int, float] = {}
    for token, share in raised.items():
        kept[token] = share / total
        if sum(kept.values()) >= sampling.top_p:
            break
    total = sum(kept.values())
    return {token: share / total for token, share in kept.items()}


def draw(shares: dict[int, float], at: float) -> int:
    """The token at which the running sum of probabilities reaches a number."""
    reached = 0.0
    for token, share in shares.items():
        reached += share
        if reached >= at:
            return token
    return next(reversed(shares))


def test_greedy_takes_the_likeliest_and_draws_nothing() -> None:
    logits = flat()
    logits[137] = 50
    for seed in (None, 1, 2):
        assert Sampler(Sampling(seed=seed)).choose(logits.copy()) == 137


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(temperature=1.0, top_k=0),
        Sampling(temperature=0.4, top_k=0),
        Sampling(temperature=2.5, top_k=0),
        Sampling(temperature=1.0, top_k=1),
        Sampling(temperature=1.0, top_k=7),
        Sampling(temperature=1.0, top_k=299),
        Sampling(temperature=1.0, top_k=5000),
        Sampling(temperature=1.0, top_k=0, top_p=0.5),
        Sampling(temperature=1.0, top_k=0, top_p=1e-6),
        Sampling(temperature=1.5, top_k=20, top_p=0.9),
        Sampling(temperature=1.0, top_k=0, min_p=0.2),
        Sampling(temperature=1.0, top_k=0, min_p=1.0),
        Sampling(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, repetition_penalty=1.3),
        Sampling(temperature=1.2, top_k=0, repetition_penalty=0.7),
    ],
    ids=str,
)
def test_draws_are_the_textbooks(sampling: Sampling) -> None:
    seen = {3, 50, 51, 299}
    for seed in range(40):
        chosen = Sampling(
            sampling.temperature,
            sampling.top_k,
            sampling.top_p,
            sampling.min_p,
            sampling.repetition_penalty,
            seed,
        )
        sampler, random, known = Sampler(chosen, seen), np.random.default_rng(seed), set(seen)
        for step in range(3):
            logits = flat(seed=1000 * seed + step)
            wanted = draw(textbook(logits, chosen, known), random.random())
            assert sampler.choose(logits) == wanted
            known.add(wanted)


def test_shares_follow_the_probabilities() -> None:
    logits = np.log(np.array([0.5, 0.3, 0.2], np.float32))
    sampler = Sampler(Sampling(temperature=1.0, seed=4))
    drawn = Counter(sampler.choose(logits.copy()) for _ in range(4000))
    # Four standard deviations of a share of one half in 4000 draws
    assert all(abs(drawn[i] / 4000 - share) < 0.032 for i, share in enumerate((0.5, 0.3, 0.2)))


def test_top_k_breaks_ties_by_id() -> None:
    logits = np.zeros(50, np.float32)
    sampler = Sampler(Sampling(temperature=1.0, top_k=3, seed=0))
    assert {sampler.choose(logits.copy()) for _ in range(60)} == {0, 1, 2}


def test_the_same_seed_draws_the_same() -> None:
    def drawn(seed: int | None) -> list[int]:
        sampler = Sampler(Sampling(temperature=1.0, seed=seed))
        return [sampler.choose(flat(seed=i)) for i in range(20)]

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)
    assert drawn(None) != drawn(None)


def test_the_penalty_holds_from_the_prompt_on_and_once() -> None:
    logits = np.array([4.0, 3.0, -1.0, -1.5], np.float32)
    sampler = Sampler(Sampling(repetition_penalty=2.0), seen=[0, 0, 0, 2])
    first = logits.copy()
    assert sampler.choose(first) == 1
    assert first.tolist() == [2.0, 3.0, -2.0, -1.5]
    second = logits.copy()
    assert sampler.choose(second) == 0  # both halved now
    assert second.tolist() == [2.0, 1.5, -2.0, -1.5]


@pytest.mark.parametrize("far", [-100.0, -1e30, float("-inf")])
def test_impossible_tokens_are_never_drawn(far: float) -> None:
    logits = np.full(1000, far, np.float32)
    logits[[5, 900]] = 1.0
    sampler = Sampler(Sampling(temperature=1.0, top_k=40, seed=1))
    assert {sampler.choose(logits.copy()) for _ in range(50)} == {5, 900}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("top_k", -1),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("min_p", -0.1),
        ("min_p", 1.1),
        ("repetition_penalty", 0.0),
        ("seed", -1),
        ("seed", 1 << 64),
    ],
)
def test_settings_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(OptionError, match=name):
        Sampling(**{name: value})  # type: ignore[arg-type]
