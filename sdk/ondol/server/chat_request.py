"""A request for an answer: what the client says, in our terms."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ondol.reply import Limits
from ondol.sampling import Sampling
from ondol.server.problems import invalid
from ondol.template import Message, Tool, ToolCall
from ondol.tools.calls import Calling

ANY_OBJECT: Mapping[str, Any] = {"type": "object"}
"""What `json_object` asks for."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a client asks for.

    Attributes:
        model: its name.
        turns: the conversation.
        sampling: how tokens are chosen.
        limits: when the reply ends.
        stream: whether it is sent piece by piece.
        usage_in_stream: whether a stream ends with what it cost.
        tools: what the model may call; none where `tool_choice` says so.
        calling: whether it must.
        schema: the JSON Schema that the reply has to keep to; None for prose.
    """

    model: str
    turns: tuple[Message, ...]
    sampling: Sampling
    limits: Limits
    stream: bool
    usage_in_stream: bool
    tools: tuple[Tool, ...]
    calling: Calling
    schema: Mapping[str, Any] | None

    @classmethod
    def of(cls, data: Mapping[str, Any], usual: Sampling, seconds: float) -> "ChatRequest":
        """From JSON that fits `shapes.CHAT`; `usual` where the client says nothing.

        Raises:
            Problem: if fields contradict each other.
        """
        tools, calling = _tools(data)
        schema = _schema(data.get("response_format") or {})
        if tools and schema is not None:
            raise invalid("response_format", "response_format + tools")
        return cls(
            data["model"],
            _turns(data["messages"]),
            _sampling(data, usual),
            _limits(data, seconds),
            bool(data.get("stream")),
            bool((data.get("stream_options") or {}).get("include_usage")),
            tools,
            calling,
            schema,
        )


def _limits(data: Mapping[str, Any], seconds: float) -> Limits:
    most, newer = data.get("max_tokens"), data.get("max_completion_tokens")
    if most is not None and newer is not None and most != newer:
        raise invalid("max_completion_tokens", f"{newer} ≠ max_tokens {most}")
    stop = data.get("stop") or ()
    most = newer if most is None else most
    stops = (stop,) if isinstance(stop, str) else tuple(stop)
    return Limits(None if most is None else int(most), stops, seconds)


def _turns(messages: list[Mapping[str, Any]]) -> tuple[Message, ...]:
    """The conversation; a tool's result gets the name of the call that it answers."""
    called: dict[str, str] = {}
    found = []
    for number, one in enumerate(messages):
        content = one.get("content") or ""
        if isinstance(content, list):
            content = "".join(part["text"] for part in content)
        if one["role"] == "tool":
            name = called.get(one["tool_call_id"])
            if name is None:
                raise invalid(f"messages[{number}].tool_call_id", one["tool_call_id"][:80])
            found.append(Message("tool", content, name=name))
            continue
        calls = []
        for call in one.get("tool_calls") or ():
            called[call["id"]] = call["function"]["name"]
            calls.append(_call(call["function"], f"messages[{number}].tool_calls"))
        role = "system" if one["role"] == "developer" else one["role"]
        found.append(Message(role, content, tuple(calls), one.get("name")))
    return tuple(found)


def _call(function: Mapping[str, Any], at: str) -> ToolCall:
    try:
        arguments = json.loads(function["arguments"])
    except (ValueError, RecursionError) as exc:
        raise invalid(at, f"arguments: {exc}"[:200]) from exc
    if not isinstance(arguments, dict):
        raise invalid(at, "arguments: object")
    return ToolCall(function["name"], arguments)


def _tools(data: Mapping[str, Any]) -> tuple[tuple[Tool, ...], Calling]:
    given = [one["function"] for one in data.get("tools") or ()]
    names = [one["name"] for one in given]
    if len(set(names)) < len(names):
        raise invalid("tools", "function.name × 2")
    choice = data.get("tool_choice") or "auto"
    if isinstance(choice, dict):
        wanted = choice["function"]["name"]
        given = [one for one in given if one["name"] == wanted]
    if not given and choice not in ("auto", "none"):
        raise invalid("tool_choice", "tools?")
    if choice == "none":
        given = []
    made = tuple(
        Tool(
            one["name"],
            one.get("description") or "",
            one.get("parameters") or {"type": "object", "properties": {}},
        )
        for one in given
    )
    return made, "guided" if choice in ("auto", "none") else "required"


def _schema(wanted: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if wanted.get("type") == "json_schema":
        schema: Mapping[str, Any] = wanted["json_schema"]["schema"]
        return schema
    return ANY_OBJECT if wanted.get("type") == "json_object" else None


def _sampling(data: Mapping[str, Any], usual: Sampling) -> Sampling:
    def told(name: str, default: Any) -> Any:
        value = data.get(name)
        return default if value is None else value

    seed = data.get("seed")
    return Sampling(
        told("temperature", usual.temperature),
        int(told("top_k", usual.top_k)),
        max(told("top_p", usual.top_p), 1e-6),  # 0 is the likeliest token alone
        told("min_p", usual.min_p),
        told("repetition_penalty", usual.repetition_penalty),
        None if seed is None else int(seed),
    )
