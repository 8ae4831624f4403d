"""Conversations on the disk: the cache is taken as it was or not at all, whatever the file says."""

import json
import os
import pickle
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ondol import Assistant
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import BadConversation, DiskFull
from ondol.overflow import Overflow
from ondol.reply import Limits
from ondol.saved import HEAD, MAGIC, VERSION
from ondol.session import Conversation
from ondol.snapshot import Snapshot
from ondol.template import Message, Tool, ToolCall
from talking_model import talking

FEW = Limits(max_tokens=8)


@pytest.fixture(scope="module")
def engine(talker: Bundle) -> Iterator[Engine]:
    with Engine.open(talker, threads=1, spin=False) as opened:
        yield opened


@pytest.fixture
def talk(engine: Engine) -> Conversation:
    made = Conversation(engine, system="짧게 답하세요.", overflow=Overflow.SLIDE)
    made.send("온돌은 무엇인가요?", FEW).read()
    made.send("the 가나다", FEW).read()
    return made


@pytest.fixture
def path(talk: Conversation, tmp_path: Path) -> Path:
    talk.save(tmp_path / "talk.ondol-talk")
    return tmp_path / "talk.ondol-talk"


def restored(bundle: Bundle, path: Path, device: str | None = None) -> tuple[str, int, list[int]]:
    """Why the text had to be run again, how much of it, and the answer to one more message."""
    with Engine.open(bundle, device=device, threads=1, spin=False) as engine:
        talk = Conversation.restored(engine, path)
        reply = talk.send("그리고요?", FEW)
        reply.read()
        return talk.rebuilt, reply.stats.prefill_tokens, reply.ids


def test_a_conversation_goes_on_where_it_was_left(
    talk: Conversation, path: Path, talker: Bundle
) -> None:
    before = [(turn.role, turn.content) for turn in talk.turns]
    wanted = talk.send("그리고요?", FEW)
    wanted.read()
    with Engine.open(talker, threads=1, spin=False) as engine:
        found = Conversation.restored(engine, path)
        assert [(turn.role, turn.content) for turn in found.turns] == before
        assert (found.system, found.overflow, found.rebuilt) == (talk.system, talk.overflow, "")
        reply = found.send("그리고요?", FEW)
        reply.read()
    assert reply.ids == wanted.ids
    assert reply.stats.prefill_tokens == wanted.stats.prefill_tokens < 40
    assert reply.stats.reused_tokens == wanted.stats.reused_tokens


def test_another_conversation_between_changes_nothing(
    talk: Conversation, path: Path, engine: Engine
) -> None:
    found = Conversation.restored(engine, path)
    Conversation(engine).send("가나다라마바사아자차카타파하", FEW).read()
    reply = found.send("그리고요?", FEW)
    reply.read()
    assert reply.stats.prefill_tokens < 40


def test_what_was_saved_while_another_had_the_cache_is_there_too(
    talk: Conversation, tmp_path: Path, engine: Engine, talker: Bundle
) -> None:
    Conversation(engine).send("가나다라마바사아자차카타파하", FEW).read()
    talk.save(tmp_path / "later")
    why, run, _ = restored(talker, tmp_path / "later")
    assert why == "" and run < 40


def test_a_conversation_without_turns_can_be_saved(engine: Engine, tmp_path: Path) -> None:
    Conversation(engine, system="가").save(tmp_path / "empty")
    found = Conversation.restored(engine, tmp_path / "empty")
    assert (found.turns, found.system) == ([], "가") and "No cache" in found.rebuilt
    assert found.send("가", FEW).read() is not None


def test_only_its_owner_reads_it(path: Path) -> None:
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir() if each.name.endswith(".partial")] == []


def test_a_cache_of_another_model_is_never_read(path: Path, talker: Bundle, tmp_path: Path) -> None:
    """Same shapes, other weights: int4 and float32 of one source."""
    other = talking(tmp_path, "float32")
    why, run, ids = restored(other, path)
    assert "another model" in why and run > 60
    with Engine.open(other, threads=1, spin=False) as engine:
        fresh = Conversation(engine, system="짧게 답하세요.")
        fresh.turns = Conversation.restored(engine, path).turns
        reply = fresh.send("그리고요?", FEW)
        reply.read()
    assert reply.ids == ids


@pytest.mark.parametrize("device", ["null", "reference"])
def test_a_cache_of_another_device_is_not_read(device: str, path: Path, talker: Bundle) -> None:
    why, run, _ = restored(talker, path, device)
    assert "another device" in why and run > 60


def test_a_device_without_snapshots_saves_the_text(
    talk: Conversation, tmp_path: Path, talker: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ondol.decoding import DecoderSession

    session = type(talk.engine.session)
    monkeypatch.setattr(session, "_cached", DecoderSession._cached)
    talk.save(tmp_path / "text")
    found = Conversation.restored(talk.engine, tmp_path / "text")
    assert "No cache" in found.rebuilt and len(found.turns) == len(talk.turns)
    assert found.send("가", FEW).read() is not None


def test_other_tools_are_noticed(path: Path, engine: Engine) -> None:
    found = Conversation.restored(engine, path, tools=(Tool("add", "더하기"),))
    assert "other tools" in found.rebuilt


def test_tool_calls_come_back(engine: Engine, tmp_path: Path) -> None:
    talk = Conversation(engine)
    call = ToolCall("날씨", {"곳": "서울", "날": [1, None, True]})
    talk.turns = [Message("user", "가"), Message("assistant", "", (call,)), Message("tool", "맑음")]
    talk.save(tmp_path / "calls")
    assert Conversation.restored(engine, tmp_path / "calls").turns == talk.turns


def changed(path: Path, **fields: Any) -> None:
    """Write other header fields, with a hash that fits."""
    import hashlib

    data = path.read_bytes()
    _, version, size, _ = HEAD.unpack(data[: HEAD.size])
    header = json.loads(data[HEAD.size : HEAD.size + size]) | fields
    text = json.dumps(header).encode()
    head = HEAD.pack(MAGIC, version, len(text), hashlib.sha256(text).digest())
    path.write_bytes(head + text + data[HEAD.size + size :])


@pytest.mark.parametrize(
    "fields",
    [
        {"start": 99},
        {"turns": "가"},
        {"turns": [{"role": "user"}]},
        {
            "turns": [
                {
                    "role": "a",
                    "content": "",
                    "name": None,
                    "tool_calls": [{"name": "x", "arguments": "[" * 100_000}],
                }
            ]
        },
        {"overflow": "panic"},
        {"trail": {"text": "", "ids": [], "marks": [{"characters": 9, "tokens": 0}]}},
        {"length": -1},
        {"extra": 1},
        {"system": "\ud800"},
    ],
)
def test_a_header_that_cannot_be_is_an_error(
    fields: dict[str, Any], path: Path, engine: Engine
) -> None:
    changed(path, **fields)
    with pytest.raises(BadConversation, match="no saved conversation"):
        Conversation.restored(engine, path)


@pytest.mark.parametrize("length", [1, 400, 1 << 40])
def test_a_length_that_the_cache_does_not_have_is_not_believed(
    length: int, path: Path, engine: Engine
) -> None:
    changed(path, length=length)
    found = Conversation.restored(engine, path)
    assert found.rebuilt and found.send("가", FEW).read() is not None


def test_token_ids_outside_the_vocabulary_are_not_run(path: Path, engine: Engine) -> None:
    changed(path, trail={"text": "", "ids": [1 << 40], "marks": [{"characters": 0, "tokens": 1}]})
    found = Conversation.restored(engine, path)
    assert found.rebuilt and found.send("가", FEW).read() is not None


def test_every_flipped_byte_is_found(path: Path, engine: Engine, talker: Bundle) -> None:
    """In the header it is an error, in the cache the text is run again."""
    data = path.read_bytes()
    size = HEAD.unpack(data[: HEAD.size])[2]
    for at in range(0, len(data), len(data) // 40):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
        if at < HEAD.size + size:
            with pytest.raises(BadConversation):
                Conversation.restored(engine, path)
        else:
            assert "changed" in Conversation.restored(engine, path).rebuilt


@pytest.mark.parametrize("kept", [0, 7, 47, 60, 200, -1])
def test_a_file_that_was_cut_is_found(kept: int, path: Path, engine: Engine) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:kept])
    try:
        assert "cut" in Conversation.restored(engine, path).rebuilt
    except BadConversation:
        assert kept >= 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        pickle.dumps({"turns": []}),
        HEAD.pack(MAGIC, VERSION + 1, 0, bytes(32)),
        HEAD.pack(MAGIC, VERSION, (1 << 32) - 1, bytes(32)),
    ],
)
def test_other_files_are_refused(data: bytes, tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(BadConversation):
        Conversation.restored(engine, tmp_path / "file")


def test_what_is_no_file_is_refused(tmp_path: Path, engine: Engine) -> None:
    for name in (".", "missing", "a\0b"):
        with pytest.raises(BadConversation):
            Conversation.restored(engine, tmp_path / name)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
        with pytest.raises(BadConversation):
            Conversation.restored(engine, tmp_path / "fifo")


def test_a_full_disk_leaves_the_old_file(
    talk: Conversation, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskFull):
        talk.save(path)
    assert path.read_bytes() == before


def test_a_cache_beyond_the_budget_is_taken_at_once(path: Path, talker: Bundle) -> None:
    with Engine.open(talker, threads=1, spin=False, snapshots=0) as engine:
        found = Conversation.restored(engine, path)
        reply = found.send("그리고요?", FEW)
        reply.read()
        assert found.rebuilt == "" and reply.stats.prefill_tokens < 40


def test_an_assistant_saves_and_restores(talker: Bundle, tmp_path: Path) -> None:
    with Assistant(talker, threads=1, spin=False) as assistant:
        talk = assistant.conversation()
        talk.send("가나다", FEW).read()
        talk.save(tmp_path / "talk")
        found = assistant.restored(tmp_path / "talk")
        assert found.turns == talk.turns and found.rebuilt == ""


def test_snapshots_of_part_are_views() -> None:
    import numpy as np

    whole = Snapshot(4, {"0.key": np.arange(8.0).reshape(1, 4, 2)})
    assert whole.first(2).arrays["0.key"].tolist() == [[[0, 1], [2, 3]]]
    assert whole.first(2).size_bytes == whole.size_bytes // 2
