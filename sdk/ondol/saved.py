"""A conversation on the disk: its turns, and the keys and values that the model holds of them.

One file: 8 bytes that name the form, its version and the length of the header (uint32,
little-endian), the header's SHA-256, the header as JSON, then the cache's arrays one after the
other, bytes as in memory. The header says which model, device, template and tools the cache is
of. A cache of others, or a damaged one, is left out and the text is run again; a damaged header is
an error. Nothing is allocated before the sizes are known to be those of this model.
"""

import hashlib
import json
import math
import os
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from ondol.errors import BadConversation, NoSnapshot
from ondol.files import replaced_file
from ondol.language import say
from ondol.overflow import Overflow
from ondol.quality import QUALITY
from ondol.snapshot import Snapshot
from ondol.strict import build, load
from ondol.template import Message, ToolCall
from ondol.trail import Trail

if TYPE_CHECKING:
    from ondol.engine import Engine
    from ondol.session import Conversation

MAGIC = b"OndolTk\n"
VERSION = 1
HEAD = struct.Struct("<8sII32s")
MOST_HEADER = 64 << 20
"""Bytes of the longest header that is read: text of a conversation, and its token ids."""


@dataclass(frozen=True, slots=True)
class Key:
    """What a cache depends on, as SHA-256 or by name; `layout` names arrays, types and shapes."""

    model: str
    device: str
    template: str
    tools: str
    layout: str


@dataclass(frozen=True, slots=True)
class _Call:
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class _Turn:
    role: str
    content: str
    tool_calls: tuple[_Call, ...]
    name: str | None


@dataclass(frozen=True, slots=True)
class _Header:
    """Everything but the cache, which holds the first `length` tokens of the trail."""

    system: str
    overflow: str
    start: int
    summary: str
    turns: tuple[_Turn, ...]
    trail: Trail
    key: Key
    length: int
    sha256: str


def save(conversation: "Conversation", path: Path) -> None:
    """Write a conversation, whole or not at all; only its owner may read the file.

    Raises:
        StorageError: on what the disk refuses; an older file is untouched.
    """
    snapshot = _cached(conversation)
    arrays = [] if snapshot is None else [snapshot.arrays[name] for name in sorted(snapshot.arrays)]
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(array.tobytes())
    header = _Header(
        system=conversation.system,
        overflow=str(conversation.overflow),
        start=conversation.start,
        summary=conversation.summary,
        turns=tuple(map(_turn, conversation.turns)),
        trail=conversation.trail,
        key=key_of(conversation),
        length=0 if snapshot is None else snapshot.length,
        sha256=digest.hexdigest(),
    )
    text = json.dumps(asdict(header), ensure_ascii=False).encode("utf-8")
    with replaced_file(path) as file:
        if hasattr(os, "fchmod"):
            os.fchmod(file.fileno(), 0o600)
        file.write(HEAD.pack(MAGIC, VERSION, len(text), hashlib.sha256(text).digest()))
        file.write(text)
        for array in arrays:
            file.write(array.tobytes())


def restore(conversation: "Conversation", path: Path) -> str:
    """Make a new conversation what a file says.

    Returns:
        Why its cache could not be taken, so that the text is run again; empty if it was taken.

    Raises:
        BadConversation: if the file is none, damaged, or cannot be read.
    """
    if not path.is_file():  # open() would wait forever on a FIFO
        raise _bad(path, say("There is no such file.", "그런 파일이 없습니다."))
    try:
        with path.open("rb") as file:
            header = _header(file, path)
            _fill(conversation, header, path)
            why, snapshot = _cache(conversation, header, file)
    except OSError as exc:
        raise _bad(path, f"{type(exc).__name__}: {exc.strerror or exc}") from exc
    if snapshot is not None:
        engine = conversation.engine
        with engine.alone():
            engine.cache.adopt(conversation, header.trail.ids[: header.length], snapshot)
    return why


def key_of(conversation: "Conversation") -> Key:
    """What a conversation's cache depends on."""
    engine = conversation.engine
    manifest = engine.bundle.manifest
    beside = {QUALITY, manifest.licence.file}
    files = sorted(f"{file.path} {file.sha256}" for file in manifest.files)
    model = "\n".join(line for line in files if line.rpartition(" ")[0] not in beside)
    tools = json.dumps([asdict(tool) for tool in conversation.tools], sort_keys=True)
    return Key(
        _sha256(model),
        engine.device,
        _sha256(conversation.template),
        _sha256(tools),
        _sha256(_layout(engine)),
    )


def _cached(conversation: "Conversation") -> Snapshot | None:
    engine = conversation.engine
    with engine.alone():
        return engine.cache.of(conversation, conversation.trail.ids)


def _layout(engine: "Engine") -> str:
    try:
        blank = engine.session.layout()
    except NoSnapshot:
        return ""
    return "\n".join(f"{name} {a.dtype} {a.shape}" for name, a in sorted(blank.arrays.items()))


def _header(file: IO[bytes], path: Path) -> _Header:
    head = file.read(HEAD.size)
    if len(head) < HEAD.size or not head.startswith(MAGIC):
        raise _bad(path, say("It does not begin like one.", "시작 부분이 대화 파일과 다릅니다."))
    _, version, size, digest = HEAD.unpack(head)
    if version != VERSION:
        raise _bad(path, f"version {version} ≠ {VERSION}")
    if size > MOST_HEADER:
        raise _bad(path, f"{size} > {MOST_HEADER} bytes")
    text = file.read(size)
    if hashlib.sha256(text).digest() != digest:
        raise _bad(path, say("It was cut or changed.", "잘렸거나 바뀌었습니다."))
    try:
        return build(_Header, load(text, MOST_HEADER), "conversation")
    except ValueError as exc:
        raise _bad(path, str(exc)) from exc


def _fill(conversation: "Conversation", header: _Header, path: Path) -> None:
    vocabulary = conversation.engine.session.vocabulary
    trail = header.trail
    try:
        turns = [_message(turn) for turn in header.turns]
        overflow = Overflow(header.overflow)
    except ValueError as exc:
        raise _bad(path, str(exc)) from exc
    ends = all(
        mark.characters <= len(trail.text) and mark.tokens <= len(trail.ids) for mark in trail.marks
    )
    if not ends or header.start > len(turns):
        raise _bad(path, say("Its places lie outside.", "가리키는 자리가 범위를 벗어납니다."))
    conversation.system, conversation.overflow = header.system, overflow
    conversation.start, conversation.summary = header.start, header.summary
    conversation.turns = turns
    same = header.key == key_of(conversation) and max(trail.ids, default=0) < vocabulary
    conversation.trail = trail if same else Trail()


def _cache(
    conversation: "Conversation", header: _Header, file: IO[bytes]
) -> tuple[str, Snapshot | None]:
    """The cache of a file, or why there is none to be had."""
    session, found, wanted = conversation.engine.session, header.key, key_of(conversation)
    for name, mine in asdict(wanted).items():
        if asdict(found)[name] != mine:
            return _OTHER[name](), None
    if not header.length:
        return say("No cache was saved.", "저장된 캐시가 없습니다."), None
    if header.length > min(session.context, len(header.trail.ids)):
        return say("It is longer than the context.", "문맥보다 깁니다."), None
    import numpy as np

    blank = session.layout()
    rows = sum(math.prod(a.shape[:-2]) * a.shape[-1] * a.itemsize for a in blank.arrays.values())
    left = os.fstat(file.fileno()).st_size - file.tell()
    if left != rows * header.length:
        return say("Its cache was cut.", "캐시가 잘렸습니다."), None
    digest, arrays = hashlib.sha256(), {}
    for name, array in sorted(blank.arrays.items()):
        shape = (*array.shape[:-2], header.length, array.shape[-1])
        data = file.read(math.prod(shape) * array.itemsize)
        digest.update(data)
        arrays[name] = np.frombuffer(data, array.dtype).reshape(shape)
    if digest.hexdigest() != header.sha256:
        return say("Its cache was changed.", "캐시가 바뀌었습니다."), None
    return "", Snapshot(header.length, arrays)


_OTHER = {
    "model": lambda: say("It is of another model.", "다른 모델의 것입니다."),
    "device": lambda: say("It is of another device.", "다른 장치의 것입니다."),
    "template": lambda: say("It is of another chat template.", "다른 대화 서식의 것입니다."),
    "tools": lambda: say("It is of other tools.", "다른 도구의 것입니다."),
    "layout": lambda: say("It is of another kind of cache.", "다른 종류의 캐시입니다."),
}


def _turn(message: Message) -> _Turn:
    calls = (_Call(c.name, json.dumps(c.arguments)) for c in message.tool_calls)
    return _Turn(message.role, message.content, tuple(calls), message.name)


def _message(turn: _Turn) -> Message:
    """Raises ValueError: if a call's arguments are no JSON object."""
    calls = []
    for call in turn.tool_calls:
        arguments = load(call.arguments.encode("utf-8"), MOST_HEADER)
        if not isinstance(arguments, dict):
            raise ValueError("tool_calls: object expected")
        calls.append(ToolCall(call.name, arguments))
    return Message(turn.role, turn.content, tuple(calls), turn.name)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _bad(path: Path, why: str) -> BadConversation:
    return BadConversation(
        say(
            f"{path.name} is no saved conversation.",
            f"{path.name}은(는) 저장된 대화가 아닙니다.",
        ),
        why,
        say("Begin a new one, or save it again.", "새로 시작하거나 다시 저장하세요."),
    )
