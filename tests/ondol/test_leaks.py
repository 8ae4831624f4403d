"""Memory stays flat over 1,000 turns and over 10,000 cancelled replies."""

import gc

import pytest

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.memory import resident_bytes
from ondol.overflow import Overflow
from ondol.reply import Finish, Limits
from ondol.session import Conversation
from talking_model import Printable

TURNS, CANCELLED = 1_000, 10_000
MOST_GROWTH = 4 << 20
"""Bytes, a few allocator arenas: 420 a cancelled reply, less than the token ids it held."""


def grown(before: int) -> int:
    gc.collect()
    return resident_bytes() - before


@pytest.mark.skipif(not resident_bytes(), reason="this system does not say what is resident")
def test_a_conversation_of_a_thousand_turns_stays_as_large_as_its_text(talker: Bundle) -> None:
    with Engine.open(talker, threads=1, spin=False) as engine:
        talk = Conversation(engine, overflow=Overflow.SLIDE)
        limits = Limits(max_tokens=2)
        before = 0
        for at in range(TURNS):
            talk.send(f"{at}번째", limits, constraint=Printable()).read()
            if at == TURNS // 10:
                before = resident_bytes()
        assert len(talk.turns) == 2 * TURNS
        assert len(engine.cache.held) < engine.session.context
        assert len(talk.trail.ids) < engine.session.context and len(talk.trail.marks) < 200
    assert grown(before) < MOST_GROWTH


@pytest.mark.skipif(not resident_bytes(), reason="this system does not say what is resident")
def test_ten_thousand_cancelled_replies_leave_nothing(talker: Bundle) -> None:
    with Engine.open(talker, device="null") as engine:
        prompt, before = [1] * 200, 0
        for at in range(CANCELLED):
            reply = engine.reply(prompt, constraint=Printable())
            next(reply)
            if at % 100:  # the others are only let go of, as by a closed window
                reply.cancel()
                reply.read()
                assert reply.finish is Finish.CANCELLED
            if at == CANCELLED // 10:
                before = resident_bytes()
        assert grown(before) < MOST_GROWTH
        assert engine.cache.prefixes.size_bytes == 0
