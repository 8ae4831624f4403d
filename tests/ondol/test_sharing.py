"""Replies that share one session: their text is what it is alone, and what it costs is said."""

import gc
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import NoSnapshot
from ondol.reply import Finish, Limits, Reply
from ondol.session import Conversation
from ondol.sharing import QUANTUM, Prefixes, Turns
from ondol.snapshot import Snapshot
from talking_model import Printable

TEXTS = ("온돌은 방바닥을 데운다", "the cat and 고양이 한 마리", "가나다라마바사아자차카타파하")
LIMITS = Limits(max_tokens=24)


def asked(engine: Engine, text: str) -> Reply:
    return engine.reply(text, limits=LIMITS, constraint=Printable())


@pytest.fixture(scope="module")
def engine(talker: Bundle) -> Iterator[Engine]:
    with Engine.open(talker, threads=1, spin=False) as opened:
        yield opened


def alone(talker: Bundle, text: str) -> list[int]:
    with Engine.open(talker, threads=1, spin=False) as engine:
        reply = asked(engine, text)
        reply.read()
    return reply.ids


def side_by_side(replies: list[Reply]) -> None:
    """Read one piece of each in turn until all have ended."""
    for reply in itertools.cycle(replies):
        next(reply, None)
        if all(each.finish for each in replies):
            return


def test_replies_side_by_side_say_what_they_say_alone(engine: Engine, talker: Bundle) -> None:
    replies = [asked(engine, text) for text in TEXTS]
    side_by_side(replies)
    assert [reply.ids for reply in replies] == [alone(talker, text) for text in TEXTS]
    for reply in replies:
        # After each change the last token is run again, and nothing else: the rest was kept
        assert 0 < reply.stats.rerun_tokens <= len(reply.ids)
    assert engine.cache.prefixes.size_bytes == 0  # nobody needs what ended replies left


def test_without_room_for_snapshots_the_text_is_run_again(talker: Bundle) -> None:
    with Engine.open(talker, threads=1, spin=False, snapshots=0) as engine:
        replies = [asked(engine, text) for text in TEXTS]
        side_by_side(replies)
        assert engine.cache.prefixes.size_bytes == 0
    assert [reply.ids for reply in replies] == [alone(talker, text) for text in TEXTS]
    assert all(reply.stats.rerun_tokens > len(reply.ids) for reply in replies)


def test_a_device_that_gives_no_snapshots_runs_the_text_again(
    talker: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Engine.open(talker, threads=1, spin=False) as engine:

        def refuse() -> Snapshot:
            raise NoSnapshot("no")

        monkeypatch.setattr(engine.session, "snapshot", refuse)
        replies = [asked(engine, text) for text in TEXTS]
        side_by_side(replies)
    assert [reply.ids for reply in replies] == [alone(talker, text) for text in TEXTS]


def test_threads_take_turns(engine: Engine, talker: Bundle) -> None:
    replies = [asked(engine, text) for text in TEXTS * 3]
    with ThreadPoolExecutor(len(replies)) as pool:
        list(pool.map(Reply.read, replies))
    assert [reply.ids for reply in replies] == [alone(talker, text) for text in TEXTS] * 3


def test_nobody_waits_for_a_reply_that_is_left_alone(engine: Engine) -> None:
    left = engine.reply(TEXTS[0], constraint=Printable())
    next(left)
    assert asked(engine, TEXTS[1]).read()
    assert left.finish is None
    left.cancel()
    left.read()
    assert left.finish is Finish.CANCELLED


def test_a_conversation_finds_its_cache_as_it_left_it(engine: Engine) -> None:
    one, other = Conversation(engine), Conversation(engine)
    for talk, text in ((one, TEXTS[0]), (other, TEXTS[1]), (one, TEXTS[2]), (other, "the")):
        before = len(talk.turns)
        reply = talk.send(text, Limits(max_tokens=8))
        reply.read()
        talk.keep(reply)
        if before:
            assert reply.stats.reused_tokens > 40


def test_what_a_forgotten_conversation_left_is_dropped(engine: Engine) -> None:
    talk = Conversation(engine)
    talk.send(TEXTS[0], LIMITS).read()
    asked(engine, TEXTS[1]).read()
    assert any(kept.holder() is talk for kept in engine.cache.prefixes._kept)
    del talk
    gc.collect()
    asked(engine, TEXTS[2]).read()
    assert engine.cache.prefixes._kept == []


def test_prefixes_keep_to_their_bytes_and_drop_the_oldest() -> None:
    def snapshot(length: int) -> Snapshot:
        return Snapshot(length, {"0.key": np.zeros((1, length, 4), np.float32)})

    class Holder:
        pass

    holders = [Holder() for _ in range(4)]
    kept = Prefixes(most_bytes=3 * 10 * 16)
    for number, holder in enumerate(holders):
        kept.keep(holder, [number] * 10, snapshot(10))
    assert kept.size_bytes == 3 * 10 * 16
    assert kept.best([0] * 20) is not None and kept.best([0] * 20)[0] == 0  # type: ignore[index]
    found = kept.best([3, 3, 3, 1])
    assert found is not None and (found[0], found[1].holder()) == (3, holders[3])
    kept.keep(holders[3], [5] * 5, snapshot(5))
    assert kept.size_bytes == (2 * 10 + 5) * 16
    kept.keep(holders[3], [5] * 31, snapshot(31))
    assert kept.size_bytes == 0  # too large alone: the others went before it


def test_turns_are_first_come_first_served_and_of_some_tokens() -> None:
    turns, order = Turns(), []
    gate = threading.Barrier(3)

    def work(name: str) -> None:
        gate.wait()
        for at in range(3 * QUANTUM):
            assert turns.take(name)
            order.append(name)
            turns.give(ended=at == 3 * QUANTUM - 1)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(order) == sorted("abc" * 3 * QUANTUM)


def test_one_that_was_stopped_waits_no_longer() -> None:
    turns = Turns()
    assert turns.take("busy")
    stop = threading.Event()
    threading.Timer(0.02, stop.set).start()
    assert not turns.take("waiting", stop.is_set)
    turns.give(ended=True)
    assert turns.take("waiting")
