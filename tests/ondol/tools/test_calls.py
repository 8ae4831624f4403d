"""Calls in replies, in every family's own form: found, checked, and enforced."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from ondol.engine import Engine
from ondol.reply import Limits
from ondol.sampling import Sampling
from ondol.template import ChatTemplate, Message, ToolCall
from ondol.tokenizer import Tokenizer
from ondol.tools.calls import Calls, calls_in, marked
from ondol.tools.formats import FORMATS, STATED, CallFormat, format_of
from ondol.tools.functions import function_tool
from talking_model import talking
from tokenizer_kinds import kinds

TEMPLATES = Path(__file__).parents[2] / "fixtures" / "tokenizers"
EVERY = (*FORMATS, STATED)
CALL = ToolCall("날씨", {"도시": "서울", "일": 3})


@dataclass
class 곳:
    이름: Literal["서울", "부산"]


def 날씨(도시: Literal["서울", "부산"], 일: int = 0) -> str:
    """도시의 날씨."""
    return ""


def 길(부터: 곳, 까지: 곳) -> str:
    """두 곳 사이의 길."""
    return ""


TOOLS = [function_tool(one) for one in (날씨, 길)]


def written(format: CallFormat, call: ToolCall = CALL) -> str:
    body: Any = {"name": call.name, format.arguments: dict(call.arguments)}
    text = json.dumps([body] if format.several else body, ensure_ascii=False)
    return format.opening + text + format.closing


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("qwen3", "tool-call"),
        ("exaone4", "tool-call"),
        ("ax4", "tool-call"),
        ("midm", "tool-call"),
        ("hyperclovax_think", "hyperclovax"),
        ("gemma", "stated"),
        ("exaone", "stated"),
        ("solar", "stated"),
        ("llama3", "llama"),
        ("kanana", "llama"),
    ],
)
def test_a_family_is_known_by_its_template(template: str, name: str) -> None:
    assert format_of((TEMPLATES / f"{template}.jinja").read_text("utf-8")).name == name


@pytest.mark.parametrize("template", ["qwen3", "exaone4", "ax4", "midm", "hyperclovax_think"])
def test_what_a_template_writes_of_a_call_is_read_as_that_call(template: str) -> None:
    source = (TEMPLATES / f"{template}.jinja").read_text("utf-8")
    made = ChatTemplate(source, special_tokens={})
    turns = [Message("user", "날씨?"), Message("assistant", "", (CALL,))]
    tools = [one.tool for one in TOOLS]
    text = made.render(turns, tools=tools, add_generation_prompt=False).text
    format = format_of(source)
    answer = text[text.rindex("날씨?") :].replace("<|im_end|>", "")
    _, found = calls_in(answer, format)
    assert [one.call for one in found] == [CALL]


@pytest.mark.parametrize("format", EVERY, ids=lambda one: one.name + one.sign)
def test_a_call_is_found(format: CallFormat) -> None:
    assert calls_in(written(format), format)[1][0].call == CALL
    prose, found = calls_in("안녕하세요 {좋아요}.", format)
    assert (prose, found) == ("안녕하세요 {좋아요}.", [])


def test_several_calls_and_prose_around_them() -> None:
    format = FORMATS[1]
    text = f"볼게요. {written(format)}\n{written(format, ToolCall('시각'))} 끝"
    prose, found = calls_in(text, format)
    assert [one.call for one in found] == [CALL, ToolCall("시각")]
    assert prose == "볼게요. \n 끝"
    assert len(calls_in(written(format) * 100, format)[1]) == 16


def test_small_models_leave_the_marks_out() -> None:
    body = json.dumps({"name": "날씨", "arguments": {"도시": "서울", "일": 3}}, ensure_ascii=False)
    for text in (body, f" {body}\n", f"```json\n{body}\n```"):
        prose, (found,) = calls_in(text, FORMATS[1], ["날씨"])
        assert (prose, found.call) == ("", CALL)
        assert calls_in(text, FORMATS[1], ["길"]) == (text, [])  # data, not one of the tools
    assert calls_in(f"예: {body}", FORMATS[1], ["날씨"])[1] == []


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", "3", "{}", '{"name": 3}', '{"arguments": {}}', "[" * 3000, "\x00"),
        '{"name": "날씨", "arguments": [1]}',
        '{"name": "날씨", "name": "길"}',
        '{"name": "날씨", "arguments": {"일": NaN}}',
    ],
)
def test_what_is_no_call_says_why(body: str) -> None:
    _, (found,) = calls_in(f"<tool_call>{body}</tool_call>", FORMATS[1])
    assert found.call is None and found.wrong
    _, found_bare = calls_in("{" + body, STATED)
    assert found_bare[0].call is None and found_bare[0].wrong


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    bundle = talking(tmp_path_factory.mktemp("calls"), "float32", 1024)
    with Engine.open(bundle, threads=1, spin=False) as opened:
        yield opened


@pytest.mark.parametrize("format", EVERY, ids=lambda one: one.name + one.sign)
def test_a_required_call_always_validates(engine: Engine, format: CallFormat) -> None:
    tools = {one.tool.name: one for one in TOOLS}
    called = set()
    for seed in range(16):
        rule = Calls([one.tool for one in TOOLS], format, "required", {})
        reply = engine.reply("x", Sampling(5.0, top_k=0, seed=seed), constraint=rule)
        reply.read()
        if reply.finish != "complete":
            assert reply.finish == "context"  # a list of calls may go on
            continue
        _, found = calls_in(reply.text, format)
        assert found
        for one in found:
            assert one.call is not None and tools[one.call.name].arguments(one.call)
            called.add(one.call.name)
    assert called


@pytest.mark.parametrize("format", EVERY, ids=lambda one: one.name + one.sign)
def test_a_guided_reply_is_prose_or_a_call(format: CallFormat) -> None:
    by = Tokenizer(kinds()["small-level"], eos=[1])
    rule = Calls([one.tool for one in TOOLS], format, "guided", by.special_tokens)
    broken = written(format, ToolCall("없음", {"도시": "서울"}))
    way = ToolCall("길", {"부터": {"이름": "서울"}, "까지": {"이름": "부산"}})
    both = (written(format), written(format, way))
    for text in ("좋아요, <b>.", *both, *("음 " + one for one in both)):
        assert follows(rule, by, text) == "whole"
    assert follows(rule, by, broken) not in ("whole", "so far")
    assert follows(rule, by, '{"name": "없음"') not in ("whole", "so far")
    assert follows(rule, by, "") == "so far"


@pytest.mark.parametrize("format", EVERY, ids=lambda one: one.name + one.sign)
def test_a_last_reply_is_prose(format: CallFormat) -> None:
    by = Tokenizer(kinds()["small-level"], eos=[1])
    rule = Calls([one.tool for one in TOOLS], format, "never", by.special_tokens)
    assert follows(rule, by, "맑아요 {하늘}. <tool") == "whole"
    assert follows(rule, by, written(format)) not in ("whole", "so far")


def test_a_mark_that_is_a_special_token_is_not_its_spelling(engine: Engine) -> None:
    by = Tokenizer(kinds()["small-level"], eos=[1])
    special = CallFormat("x", "", opening="<|im_start|>", closing="<|im_end|>")
    rule = Calls([one.tool for one in TOOLS], special, "guided", by.special_tokens)
    broken = special.opening + "{"
    assert follows(rule, by, written(special)) == "whole"
    assert follows(rule, by, broken, special=False) == "whole"  # text that looks like a mark
    assert follows(rule, by, broken + '"no') not in ("whole", "so far")
    reply = engine.reply("x", limits=Limits(max_tokens=1))
    reply.ids = by.encode("음 " + written(special), special=True)
    text, format = marked(reply, by, special)
    assert [one.call for one in calls_in(text, format)[1]] == [CALL]
    reply.ids = by.encode(written(special))
    text, format = marked(reply, by, special)
    assert (text, calls_in(text, format)[1]) == (written(special), [])


def follows(rule: Calls, by: Tokenizer, text: str, special: bool = True) -> str:
    """Whether a text is whole by a rule, whole so far, or where it breaks the rule."""
    held_to = rule.follow(by, inside=True)
    logits = np.zeros(by.size, np.float32)
    ids = by.encode(text, special=special)
    for at, token in enumerate(ids):
        if held_to.finished:
            return "whole"
        logits.fill(0)
        held_to.mask(logits)
        if logits[token] != 0:
            return by.decode(ids[:at])
        held_to.accept(token)
    return "whole" if held_to.fulfilled else "so far"
