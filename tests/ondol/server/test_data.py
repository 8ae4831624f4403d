"""Data instead of prose through the official client: schemas, and calls of tools."""

import json
from typing import Any

import openai
import pytest

from ondol import Assistant
from ondol.instruction import instructed
from ondol.server.serving import Server
from ondol.template import Message, Tool
from ondol.tools.formats import STATED, statement
from serving import chat_body, client_of

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "종류": {"enum": ["질문", "부탁"]},
        "수": {"type": "integer", "minimum": 0, "maximum": 99},
    },
    "required": ["종류", "수"],
    "additionalProperties": False,
}
WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "날씨",
        "description": "도시의 날씨",
        "parameters": {
            "type": "object",
            "properties": {"도시": {"enum": ["서울", "부산"]}},
            "required": ["도시"],
        },
    },
}


def form(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}


@pytest.mark.parametrize("seed", range(6))
def test_a_schema_is_kept_to(server: Server, seed: int) -> None:
    drawn = {"temperature": 2.0, "seed": seed, "max_tokens": 120}
    with client_of(server) as client:
        said = client.chat.completions.create(**chat_body(response_format=form(SCHEMA), **drawn))
    assert said.choices[0].finish_reason == "stop"
    found = json.loads(said.choices[0].message.content or "")
    assert found["종류"] in ("질문", "부탁") and 0 <= found["수"] <= 99 and len(found) == 2


def test_a_stream_keeps_to_it_too(server: Server) -> None:
    body = chat_body(response_format=form(SCHEMA), max_tokens=120, stream=True)
    with client_of(server) as client:
        pieces = [
            one.choices[0].delta.content or "" for one in client.chat.completions.create(**body)
        ]
    assert set(json.loads("".join(pieces))) == {"종류", "수"} and len(pieces) > 3


def test_what_is_cut_says_so(server: Server) -> None:
    with client_of(server) as client:
        body = chat_body(response_format=form(SCHEMA), max_tokens=3)
        said = client.chat.completions.create(**body)
    assert said.choices[0].finish_reason == "length"


@pytest.mark.parametrize(
    "schema", [{"type": "no-such"}, {"not": {}}, {"type": "string", "minLength": 9, "maxLength": 1}]
)
def test_a_schema_that_nothing_fits_is_refused(server: Server, schema: dict[str, Any]) -> None:
    with client_of(server) as client, pytest.raises(openai.BadRequestError):
        client.chat.completions.create(**chat_body(response_format=form(schema)))


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "날씨"}}])
@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_is_required_is_valid(server: Server, choice: Any, stream: bool) -> None:
    body = chat_body(tools=[WEATHER], tool_choice=choice, max_tokens=120, stream=stream)
    with client_of(server) as client:
        said = client.chat.completions.create(**body)
        if stream:
            chunks = list(said)
            reason = chunks[-1].choices[0].finish_reason
            (call,) = next(
                chunk.choices[0].delta.tool_calls
                for chunk in chunks
                if chunk.choices[0].delta.tool_calls
            )
        else:
            reason = said.choices[0].finish_reason
            (call,) = said.choices[0].message.tool_calls
    assert reason == "tool_calls" and call.function.name == "날씨"
    assert json.loads(call.function.arguments)["도시"] in ("서울", "부산")


def test_a_system_prompt_stays_one_beside_tools(server: Server, assistant: Assistant) -> None:
    told = [{"role": "system", "content": "짧게"}, {"role": "user", "content": "날씨?"}]
    body = chat_body(messages=told, tools=[WEATHER], max_tokens=1)
    with client_of(server) as client:
        said = client.chat.completions.create(**body)
    talk = assistant.conversation("짧게")
    tool = Tool("날씨", "도시의 날씨", WEATHER["function"]["parameters"])
    prompt = instructed(talk, statement([tool], STATED.arguments), [Message("user", "날씨?")])
    assert prompt.text.count("<|start|>system") == 1
    assert said.usage is not None
    assert said.usage.prompt_tokens == len(talk.engine.tokenizer.encode_prompt(prompt))


def test_results_of_calls_go_back_to_the_model(server: Server) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "날씨", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "날씨?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "맑음"},
    ]
    with client_of(server) as client:
        said = client.chat.completions.create(**chat_body(messages=turns, tools=[WEATHER]))
        more = client.chat.completions.create(
            **chat_body(messages=turns[:1], tools=[WEATHER], tool_choice="none")
        )
        with pytest.raises(openai.BadRequestError, match="tool_call_id"):
            client.chat.completions.create(**chat_body(messages=[turns[0], turns[2]]))
    assert said.usage is not None and more.usage is not None
    assert said.usage.prompt_tokens > more.usage.prompt_tokens


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [WEATHER, WEATHER]}, "× 2"),
        ({"tools": [WEATHER], "response_format": {"type": "json_object"}}, "response_format"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools"),
    ],
)
def test_what_contradicts_itself_is_named(
    server: Server, changes: dict[str, Any], match: str
) -> None:
    with client_of(server) as client, pytest.raises(openai.BadRequestError, match=match):
        client.chat.completions.create(**chat_body(**changes))
