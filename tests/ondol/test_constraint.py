"""Replies held to constraints: what is masked is never chosen, and the end is named."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from ondol.constraint import Constraint, Rule, Together
from ondol.engine import Engine
from ondol.reply import Finish, Limits
from ondol.sampling import Sampling
from ondol.tokenizer import Tokenizer
from tiny_models import END, Tiny


class Only:
    """Allows a few ids, and is finished after so many tokens."""

    def __init__(self, allowed: set[int], most: int = 1 << 30) -> None:
        self.allowed = allowed
        self.most = most
        self.taken: list[int] = []

    @property
    def finished(self) -> bool:
        return len(self.taken) >= self.most

    def mask(self, logits: NDArray[np.float32]) -> None:
        forbidden = np.ones(len(logits), bool)
        forbidden[list(self.allowed)] = False
        logits[forbidden] = -np.inf

    def accept(self, token: int) -> None:
        self.taken.append(token)


class Letters:
    """A rule: only tokens that spell these letters."""

    def __init__(self, letters: str) -> None:
        self.letters = letters.encode()

    def over(self, tokenizer: Tokenizer) -> Only:
        fits = (t for t in range(tokenizer.size) if tokenizer.token_bytes(t) in self.letters)
        return Only({token for token in fits if tokenizer.token_bytes(token)})


@pytest.fixture(scope="module")
def engine(tiny: Tiny) -> Iterator[Engine]:
    with Engine.open(tiny("llama3", "float32"), threads=1, spin=False) as opened:
        yield opened


@pytest.mark.parametrize("temperature", [0.0, 2.0])
@pytest.mark.parametrize("top_k", [0, 5, 40])
@pytest.mark.parametrize("penalty", [1.0, 1.4, 0.6])
def test_only_allowed_tokens_are_chosen(
    engine: Engine, temperature: float, top_k: int, penalty: float
) -> None:
    held_to = Only({70, 71, 90})
    sampling = Sampling(temperature, top_k=top_k, repetition_penalty=penalty, seed=3)
    reply = engine.reply("abc", sampling, Limits(max_tokens=40), held_to)
    reply.read()
    assert set(reply.ids) <= {70, 71, 90} and len(reply.ids) == 40
    assert reply.ids == held_to.taken
    assert reply.finish is Finish.LENGTH


def test_a_constraint_that_allows_everything_changes_nothing(engine: Engine) -> None:
    sampling = Sampling(1.5, top_k=0, seed=8)
    free = engine.reply("온돌", sampling, Limits(max_tokens=30))
    free.read()
    held = engine.reply("온돌", sampling, Limits(max_tokens=30), Only(set(range(END + 1))))
    assert held.read() == free.text and held.ids == free.ids


def test_a_finished_constraint_ends_the_reply(engine: Engine) -> None:
    reply = engine.reply("abc", limits=Limits(max_tokens=4), constraint=Only({70}, most=4))
    assert reply.read() == 4 * engine.tokenizer.decode([70])
    assert reply.finish is Finish.COMPLETE


def test_the_end_is_a_token_like_any_other(engine: Engine) -> None:
    held_to = Only({END})
    reply = engine.reply("abc", constraint=held_to)
    assert (reply.read(), reply.finish, held_to.taken) == ("", Finish.END, [END])


def test_several_constraints_hold_at_once(engine: Engine) -> None:
    parts: list[Constraint | Rule] = [Only({66, 67, 68}), Letters("cde")]
    reply = engine.reply("x", Sampling(2.0, seed=1), Limits(max_tokens=20), parts)
    assert set(reply.read()) <= set("cde")
    assert set(reply.ids) <= {66, 67, 68}
    assert not Together([Only({1}), Only({1})]).finished
    assert Together([Only({1}), Only({1}, most=0)]).finished


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_where_no_token_is_left_the_reply_says_so(engine: Engine, temperature: float) -> None:
    parts = [Only({66}), Only({67})]
    reply = engine.reply("abc", Sampling(temperature), constraint=parts)
    assert (reply.read(), reply.ids, reply.finish) == ("", [], Finish.STUCK)
    free = engine.reply("abc", Sampling(temperature), Limits(max_tokens=2), [])
    free.read()
    assert len(free.ids) == 2


def test_a_cancelled_reply_stays_cancelled(engine: Engine) -> None:
    reply = engine.reply("abc", constraint=Only({70}))
    next(reply)
    reply.cancel()
    reply.read()
    assert reply.finish is Finish.CANCELLED
