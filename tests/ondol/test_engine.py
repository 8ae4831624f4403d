"""Prompt to text on tiny models: `null` where only the loop counts, `cpu` where numbers do.

After n tokens `null` says token n, and the tiny vocabulary begins with "!", so a prompt of the
start token, "ab" and "c" is answered "$%&'()*+,-./0123...".
"""

import math
import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import (
    BadPrompt,
    ContextFull,
    CorruptBundle,
    OptionError,
    SessionClosed,
    UnknownDevice,
)
from ondol.reply import Finish, Limits
from ondol.sampling import Sampling
from tiny_models import CONTEXT, Tiny

PROMPT = "abc"
ANSWER = "".join(map(chr, range(ord("$"), 0x7F)))
WARM = Sampling(temperature=2.0, top_k=0, seed=5)


@pytest.fixture(scope="module")
def null(tiny: Tiny) -> Iterator[Engine]:
    with Engine.open(tiny("llama3"), device="null") as engine:
        yield engine


@pytest.fixture(scope="module")
def cpu(tiny: Tiny) -> Iterator[Engine]:
    with Engine.open(tiny("llama3", "float32"), threads=1, spin=False) as engine:
        yield engine


def test_a_reply_is_its_pieces_and_says_what_it_cost(null: Engine) -> None:
    reply = null.reply(PROMPT, limits=Limits(max_tokens=5))
    assert not reply.ids
    assert list(reply) == list(ANSWER[:5])
    assert (reply.text, reply.finish) == (ANSWER[:5], Finish.LENGTH)
    assert reply.ids == [3, 4, 5, 6, 7]
    stats = reply.stats
    assert (stats.prompt_tokens, stats.characters, stats.decode_tokens) == (3, 5, 4)
    assert stats.prefill_tokens + stats.reused_tokens == 3
    assert reply.read() == ANSWER[:5]


def test_one_token_is_the_least(null: Engine) -> None:
    reply = null.reply(PROMPT, limits=Limits(max_tokens=1))
    assert (reply.read(), reply.finish) == ("$", Finish.LENGTH)
    with pytest.raises(OptionError, match="max_tokens"):
        Limits(max_tokens=0)


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        (("'(",), "$%&"),
        (("$",), ""),
        (("(*", "&'()*"), "$%"),
        ((")", "'()"), "$%&"),
        (("+,", ",-"), "$%&'()*"),
    ],
)
def test_stop_strings_hold_across_token_borders(
    stop: tuple[str, ...], text: str, null: Engine
) -> None:
    reply = null.reply(PROMPT, limits=Limits(max_tokens=30, stop=stop))
    assert (reply.read(), reply.finish) == (text, Finish.STOP)


def test_what_only_looked_like_a_stop_is_shown(null: Engine) -> None:
    reply = null.reply(PROMPT, limits=Limits(max_tokens=5, stop=("&X", "'(Y")))
    assert (reply.read(), reply.finish) == ("$%&'(", Finish.LENGTH)
    with pytest.raises(OptionError):
        null.reply(PROMPT, limits=Limits(stop=("",)))


def test_cancelling_from_another_thread_ends_within_a_token(null: Engine) -> None:
    reply = null.reply(PROMPT)
    for _ in reply:
        if len(reply.ids) == 5:
            thread = threading.Thread(target=reply.cancel)
            thread.start()
            thread.join()
    assert reply.finish is Finish.CANCELLED and reply.cancelled
    assert len(reply.ids) <= 6 and reply.text.startswith(ANSWER[:5])
    assert null.reply(PROMPT, limits=Limits(max_tokens=2)).read() == "$%"


def test_a_reply_cancelled_before_it_began_runs_nothing(null: Engine) -> None:
    reply = null.reply(PROMPT)
    reply.cancel()
    assert (reply.read(), reply.finish, reply.ids) == ("", Finish.CANCELLED, [])


def test_a_prompt_is_left_after_a_pass(null: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "batch", 8)
    reply = null.reply([1] * 13, limits=Limits(max_tokens=1))
    run, passes = null.session.append, []

    def append(ids: list[int]) -> Any:
        passes.append(len(ids))
        reply.cancel()
        return run(ids)

    monkeypatch.setattr(null.session, "append", append)
    assert reply.read() == "" and reply.finish is Finish.CANCELLED
    assert passes == [6]  # of 13, in two alike


def test_cancelling_shows_what_a_stop_string_held_back(null: Engine) -> None:
    reply = null.reply(PROMPT, limits=Limits(stop=("'()*+X",)))
    for _ in reply:
        if reply.text == "$%&":
            reply.cancel()
    assert reply.finish is Finish.CANCELLED
    assert reply.text in ("$%&", "$%&'")


def test_a_full_context_ends_the_reply_and_says_so(tiny: Tiny) -> None:
    with Engine.open(tiny("llama3"), device="null", context=16) as engine:
        reply = engine.reply(PROMPT)
        assert reply.read() == ANSWER[:14]
        assert reply.finish is Finish.CONTEXT
        assert engine.session.length == 16
        reply = engine.reply([1] * 15)
        assert len(reply.read()) == 2 and reply.finish is Finish.CONTEXT
        with pytest.raises(ContextFull, match="16"):
            engine.reply([1] * 16)
        assert engine.reply(PROMPT, limits=Limits(max_tokens=1)).read() == "$"


@pytest.mark.parametrize("prompt", ["", []])
def test_an_empty_prompt_is_refused(prompt: str | list[int], null: Engine) -> None:
    with pytest.raises(BadPrompt, match="empty"):
        null.reply(prompt)


@pytest.mark.parametrize("prompt", [None, 3, b"abc", ["a"], {"a": 1}, [1.5]])
def test_what_is_no_prompt_is_refused(prompt: object, null: Engine) -> None:
    with pytest.raises(BadPrompt, match="no text"):
        null.reply(prompt)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": "5"},
        {"max_tokens": True},
        {"max_tokens": 1.5},
        {"seconds": 0},
        {"seconds": math.nan},
        {"seconds": "1"},
        {"stop": "ab"},
        {"stop": (1,)},
    ],
)
def test_limits_of_another_kind_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match=next(iter(wrong))):
        Limits(**wrong)


def test_a_reply_ends_when_its_time_is_over(null: Engine) -> None:
    reply = null.reply(PROMPT, limits=Limits(seconds=1e-9))
    assert (reply.read(), reply.finish) == ("", Finish.TIME)
    reply = null.reply(PROMPT, limits=Limits(seconds=3600.0, max_tokens=2))
    assert (reply.read(), reply.finish) == ("$%", Finish.LENGTH)


@pytest.mark.parametrize("prompt", ["\ud800", "한\udfff글", "\udc80"])
def test_a_lone_surrogate_is_refused(prompt: str, null: Engine) -> None:
    with pytest.raises(BadPrompt, match="Unicode"):
        null.reply(prompt)
    assert null.reply(PROMPT, limits=Limits(max_tokens=1)).read() == "$"


def test_ids_outside_the_vocabulary_are_refused(null: Engine) -> None:
    for bad in (-1, 272):
        with pytest.raises(OptionError):
            null.reply([1, bad]).read()
    assert null.reply(PROMPT, limits=Limits(max_tokens=1)).read() == "$"


def test_an_end_token_ends_the_reply_without_text(cpu: Engine) -> None:
    first = cpu.reply(PROMPT, limits=Limits(max_tokens=2))
    first.read()
    model = replace(cpu.bundle.decoder, eos=(first.ids[0],))
    bundle = Bundle(cpu.bundle.path, replace(cpu.bundle.manifest, model=model))
    with Engine.open(bundle, threads=1, spin=False) as engine:
        second = engine.reply(PROMPT)
        assert (second.read(), second.finish) == ("", Finish.END)
        assert second.ids == first.ids[:1]


def test_the_same_seed_gives_the_same_text(cpu: Engine) -> None:
    def ids(sampling: Sampling) -> list[int]:
        reply = cpu.reply(PROMPT, sampling, Limits(max_tokens=20))
        reply.read()
        return reply.ids

    assert ids(WARM) == ids(WARM)
    assert ids(WARM) != ids(replace(WARM, seed=6))
    assert ids(Sampling()) == ids(Sampling(seed=9))


def test_text_is_what_the_ids_decode_to(cpu: Engine) -> None:
    for seed in range(10):
        reply = cpu.reply("한 가나", replace(WARM, seed=seed), Limits(max_tokens=25))
        pieces = list(reply)
        assert "".join(pieces) == reply.text
        assert reply.text == cpu.tokenizer.decode(reply.ids)
        assert "\ufffd" not in reply.text and all(pieces)


def test_what_the_cache_holds_is_not_run_again(cpu: Engine, tiny: Tiny) -> None:
    prompt = cpu.tokenizer.encode("the 가나다 ab, 한 번 더")
    first = cpu.reply(prompt, limits=Limits(max_tokens=6))
    first.read()
    longer = [*prompt, *first.ids, *cpu.tokenizer.encode("the")]
    second = cpu.reply(longer, limits=Limits(max_tokens=6))
    second.read()
    # The last token of the first reply was shown and never run
    assert second.stats.reused_tokens == len(prompt) + 5
    assert second.stats.prefill_tokens == len(longer) - len(prompt) - 5
    with Engine.open(tiny("llama3", "float32"), threads=1, spin=False) as fresh:
        alone = fresh.reply(longer, limits=Limits(max_tokens=6))
        alone.read()
        assert alone.stats.reused_tokens == 0
    assert second.ids == alone.ids


def test_the_same_prompt_again_runs_its_last_token_only(cpu: Engine) -> None:
    prompt = cpu.tokenizer.encode("가나다 the ab")
    first = cpu.reply(prompt, limits=Limits(max_tokens=4))
    first.read()
    again = cpu.reply(prompt, limits=Limits(max_tokens=4))
    again.read()
    assert again.stats.prefill_tokens == 1 and again.ids == first.ids


def test_devices_agree_on_greedy_text(cpu: Engine, tiny: Tiny) -> None:
    limits = Limits(max_tokens=16)
    reply = cpu.reply("가나다", limits=limits)
    reply.read()
    with Engine.open(tiny("llama3", "float32"), device="reference") as oracle:
        same = oracle.reply("가나다", limits=limits)
        same.read()
    assert same.ids == reply.ids


def test_a_device_is_that_one_or_an_error(tiny: Tiny) -> None:
    with pytest.raises(UnknownDevice, match="cpuu"):
        Engine.open(tiny("llama3"), device="cpuu")


@pytest.mark.parametrize("context", [0, -1, CONTEXT + 1])
def test_a_context_out_of_range_is_refused(context: int, tiny: Tiny) -> None:
    with pytest.raises(OptionError, match=f"{context} tokens"):
        Engine.open(tiny("llama3"), device="null", context=context)


@pytest.mark.parametrize("file", ["tokenizer.bin", "model.onnx", "weights.bin"])
def test_one_flipped_bit_is_found_when_opening(file: str, tiny: Tiny, tmp_path: Path) -> None:
    shutil.copytree(tiny("llama3").path, tmp_path / "broken")
    path = tmp_path / "broken" / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(CorruptBundle, match=file):
        Engine.open(tmp_path / "broken", threads=1, spin=False)


def test_a_closed_engine_answers_no_more(tiny: Tiny) -> None:
    engine = Engine.open(tiny("llama3"), device="null")
    reply = engine.reply(PROMPT)
    next(reply)
    engine.close()
    engine.close()
    with pytest.raises(SessionClosed):
        reply.read()
    assert reply.text.startswith("$") and reply.finish is Finish.CANCELLED
