"""Replies kept to scripts: byte by byte, over every kind of tokenizer, and on an engine."""

from collections.abc import Iterator

import numpy as np
import pytest

from ondol.assistant import Assistant
from ondol.bundle import Bundle
from ondol.constraint import Constraint, Rule
from ondol.engine import Engine
from ondol.errors import OptionError
from ondol.hangul import ScriptGuard
from ondol.reply import Limits
from ondol.sampling import Sampling
from ondol.scripts import Script, script_of
from ondol.tokenizer import Tokenizer
from tiny_models import Tiny
from tokenizer_kinds import kinds

SIZE = 20
KINDS = ("level", "pieces", "pieces-some-bytes", "pieces-unknown", "level-added", "small-level")


def tokenizer(kind: str) -> Tokenizer:
    return Tokenizer(kinds()[kind])


@pytest.fixture(scope="module")
def bytes_alone() -> tuple[Tokenizer, dict[int, int]]:
    """A byte-level tokenizer, and the id of each byte's token."""
    made = tokenizer("level")
    ids = {data[0]: t for t in range(made.size) if len(data := made.token_bytes(t)) == 1}
    assert len(ids) == 256
    return made, ids


def allowed(constraint: Constraint, size: int) -> set[int]:
    logits = np.zeros(size, np.float32)
    constraint.mask(logits)
    assert set(np.unique(logits)) <= {0.0, -np.inf}
    return set(np.flatnonzero(logits == 0.0).tolist())


def writes(guard: ScriptGuard, text: str, by: tuple[Tokenizer, dict[int, int]]) -> bool:
    """Whether a guard lets a text through, a byte at a time, and completes its characters."""
    made, ids = by
    constraint = guard.over(made)
    for char in text:
        data = char.encode()
        for at, byte in enumerate(data):
            free = allowed(constraint, made.size)
            if ids[byte] not in free:
                return False
            if at:  # inside a character nothing else can come
                assert all(made.token_bytes(token)[0] in range(0x80, 0xC0) for token in free)
            constraint.accept(ids[byte])
    return True


@pytest.mark.parametrize(
    "text", ["가힣ㄱㅏᄀ", "Az09 \n!~", "é½€₩→℃①√∑", "「」·…“”", "😀🇰🇷👨\u200d👩\ufe0f", "αΩ"]
)
def test_korean_latin_signs_and_emoji_are_written(
    text: str, bytes_alone: tuple[Tokenizer, dict[int, int]]
) -> None:
    assert writes(ScriptGuard(), text, bytes_alone)


@pytest.mark.parametrize("char", "漢一龥𠀀㊀かカｱЖعกअ\U0010ffff\ue000")
def test_other_scripts_are_not(char: str, bytes_alone: tuple[Tokenizer, dict[int, int]]) -> None:
    assert not writes(ScriptGuard(), char, bytes_alone)


def test_hanja_is_a_choice(bytes_alone: tuple[Tokenizer, dict[int, int]]) -> None:
    assert writes(ScriptGuard.korean(hanja=True), "漢字와 한글𠀀", bytes_alone)
    assert not writes(ScriptGuard.korean(hanja=True), "かな", bytes_alone)


def test_every_character_is_written_just_where_its_script_is_allowed() -> None:
    """All of Unicode by its UTF-8, over the table itself: each byte of each character."""
    from ondol.hangul.script_guard import KOREAN, GuardTable

    made = tokenizer("level")
    table = GuardTable(made, frozenset(KOREAN), made.size)
    some = [*range(0x80, 0x3400), *range(0xA960, 0xD7FF, 7), *range(0xE000, 0x20000, 3), 0x20000]
    for code in some:
        char, pending = chr(code), b""
        steps: list[bytes | None] = []
        for byte in char.encode():
            step = table.after(pending, bytes([byte]))
            steps.append(step)
            if step is None:
                break
            pending = step
        assert (steps[-1] == b"") == (script_of(char) in KOREAN), hex(code)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_what_is_drawn_is_utf8_of_allowed_scripts(kind: str, seed: int) -> None:
    made = tokenizer(kind)
    random = np.random.default_rng(seed)
    constraint = ScriptGuard().over(made)
    drawn: list[int] = []
    for _ in range(200):
        free = sorted(allowed(constraint, made.size))
        assert free
        drawn.append(int(random.choice(free)))
        constraint.accept(drawn[-1])
    while constraint_is_inside(constraint, made):
        drawn.append(min(allowed(constraint, made.size)))
        constraint.accept(drawn[-1])
    text = b"".join(map(made.token_bytes, drawn)).decode("utf-8")  # strictly
    assert {script_of(char) for char in text} <= {"common", "greek", "hangul", "latin"}


def constraint_is_inside(constraint: Constraint, made: Tokenizer) -> bool:
    """Whether a character is begun: then no token of ASCII may come."""
    return not any(made.token_bytes(t).isascii() for t in allowed(constraint, made.size))


def test_without_bytes_for_the_rest_no_character_is_begun() -> None:
    made = tokenizer("pieces-some-bytes")
    free = allowed(ScriptGuard().over(made), made.size)
    for token in free:
        made.token_bytes(token).decode("utf-8")


def test_special_tokens_and_ids_without_tokens_are_the_models_own() -> None:
    made = tokenizer("level-added")
    free = allowed(ScriptGuard().over(made), made.size + 9)
    assert set(made.special_tokens.values()) <= free
    assert set(range(made.size, made.size + 9)) <= free


def test_a_guard_is_a_rule_and_each_reply_begins_anew() -> None:
    made = tokenizer("level")
    guard = ScriptGuard()
    assert isinstance(guard, Rule)
    first = guard.over(made)
    before = allowed(first, made.size)
    half = next(t for t in before if made.token_bytes(t) == "가".encode()[:1])
    first.accept(half)
    assert allowed(first, made.size) != before
    assert allowed(guard.over(made), made.size) == before
    assert not first.finished


def test_a_character_that_is_broken_off_leaves_nothing_behind(
    bytes_alone: tuple[Tokenizer, dict[int, int]],
) -> None:
    made, ids = bytes_alone
    constraint = ScriptGuard().over(made)
    fresh = allowed(constraint, made.size)
    for broken in (b"\xeaA", b"\xea\xea\xb0\x80", b"\xff", b"\xea\xb0 "):
        for byte in broken:
            constraint.accept(ids[byte])
        assert allowed(constraint, made.size) == fresh
    for byte in b"\xea\xea":
        constraint.accept(ids[byte])
    assert allowed(constraint, made.size) != fresh


@pytest.fixture(scope="module")
def engine(tiny: Tiny) -> Iterator[Engine]:
    with Engine.open(tiny("llama3", "float32"), threads=1, spin=False) as opened:
        yield opened


def test_a_random_model_writes_nothing_else(engine: Engine) -> None:
    wild = kept = 0
    for seed in range(12):
        sampling = Sampling(temperature=3.0, top_k=0, seed=seed)
        limits = Limits(max_tokens=SIZE)
        free = engine.reply("안녕", sampling, limits).read()
        held = engine.reply("안녕", sampling, limits, ScriptGuard()).read()
        wild += _strange(free)
        kept += _strange(held)
    assert wild > 0
    assert kept == 0


def _strange(text: str) -> int:
    return sum(script_of(char) in ("han", "kana", "other") for char in text)


@pytest.mark.parametrize(
    ("message", "scripts"),
    [
        ("퇴직금은 언제 받나요?", ()),
        ("What is 한글?", ()),
        ("漢字의 뜻은?", ("han",)),
        ("'ありがとう'가 무슨 뜻이야?", ("kana",)),
        ("온돌을 한자로 써 줘", ("han",)),
        ("'고맙습니다'를 일본어로 뭐라고 해?", ("han", "kana")),
        ("러시아어로 인사해 줘", ("other",)),
    ],
)
def test_a_message_says_what_its_answer_may_be_written_in(
    message: str, scripts: tuple[Script, ...]
) -> None:
    guard = ScriptGuard.for_chat(message)
    assert guard is not None
    assert set(guard.scripts) == {*ScriptGuard().scripts, *scripts}


@pytest.mark.parametrize("message", ["Hello", "你好", "", "123"])
def test_what_is_not_korean_is_not_guarded(message: str) -> None:
    assert ScriptGuard.for_chat(message) is None


@pytest.mark.parametrize("scripts", [(), ("thai",), ("hangul", "")])
def test_other_scripts_are_refused(scripts: tuple[Script, ...]) -> None:
    with pytest.raises(OptionError, match="hangul"):
        ScriptGuard(scripts)


def test_assistants_are_guarded_in_korean_unless_told_otherwise(talker: Bundle) -> None:
    few = Limits(max_tokens=SIZE)

    def strange(assistant: Assistant, text: str) -> int:
        wild = (Sampling(temperature=9.0, top_k=0, seed=seed) for seed in range(12))
        return sum(_strange(assistant.reply(text, sampling=s, limits=few).read()) for s in wild)

    with Assistant(talker, threads=1, spin=False) as kept:
        assert strange(kept, "안녕") == 0
        assert strange(kept, "hello") > 0
        assert not _strange(kept.conversation().send("안녕", few).read())
    with Assistant(talker, threads=1, spin=False, guard=None) as free:
        assert strange(free, "안녕") > 0


def test_a_guard_goes_by_all_that_was_said_to_the_model(talker: Bundle) -> None:
    heard: list[str] = []

    def guard(said: str) -> None:
        heard.append(said)

    with Assistant(talker, threads=1, spin=False, system="일본어 선생님", guard=guard) as opened:
        talk = opened.conversation()
        talk.send("안녕", Limits(max_tokens=2)).read()
        talk.send("또 봐", Limits(max_tokens=2)).read()
    assert heard == ["일본어 선생님\n안녕", "일본어 선생님\n안녕\n또 봐"]
