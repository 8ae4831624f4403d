"""From a request to a reply, and from the reply to the message that a client gets."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ondol.assistant import Assistant
from ondol.constraint import Constrained
from ondol.errors import BadTool
from ondol.grammar.rules import Json
from ondol.instruction import instructed
from ondol.language import say
from ondol.reply import Finish, Limits, Reply
from ondol.server.chat_request import ChatRequest
from ondol.session import CONTINUATION_TOKENS, Conversation
from ondol.template import Message
from ondol.tokenizer import Tokenizer
from ondol.tools.calls import Calls, calls_in, marked
from ondol.tools.formats import CallFormat, format_of, statement

COMPLETE = (Finish.END, Finish.STOP, Finish.COMPLETE)


@dataclass(frozen=True, slots=True)
class Said:
    """A reply as a client gets it: OpenAI's message, and its word for why it ended."""

    message: dict[str, Any]
    finish_reason: str


class Asking:
    """One request on its way through the model."""

    def __init__(self, assistant: Assistant, asked: ChatRequest) -> None:
        self._assistant = assistant
        self._asked = asked
        self._format: CallFormat | None = None
        self._tokenizer: Tokenizer | None = None

    @property
    def whole(self) -> bool:
        """Whether pieces say nothing alone: they may turn out to be a call."""
        return bool(self._asked.tools)

    def begin(self) -> Reply:
        """Start the reply; blocks while the prompt is put together.

        Raises:
            OndolError: if the prompt cannot be answered, or the device cannot be used.
        """
        asked = self._asked
        first, *rest = asked.turns
        told = bool(rest) and first.role == "system"
        talk = self._assistant.conversation(first.content if told else None)
        turns = rest if told else [first, *rest]
        engine = talk.engine
        limits = asked.limits
        if not talk.chats and limits.max_tokens is None:
            limits = Limits(CONTINUATION_TOKENS, limits.stop, limits.seconds)
        if asked.tools:
            return self._with_tools(talk, turns, limits)
        rule: Constrained = None
        if asked.schema is not None:
            rule = Json(asked.schema)
        elif talk.guard is not None:  # as of a conversation of the assistant's own
            said = [turn.content for turn in turns if turn.role != "assistant"]
            rule = talk.guard("\n".join([talk.system, *said]))
        return engine.reply(talk.prompt(turns), asked.sampling, limits, rule)

    def said(self, reply: Reply) -> Said:
        """The message of a reply that has ended."""
        complete = reply.finish in COMPLETE
        if self._format is not None and self._tokenizer is not None and complete:
            text, form = marked(reply, self._tokenizer, self._format)
            prose, found = calls_in(text, form)
            calls = [one.call for one in found if one.call is not None]
            known = {tool.name for tool in self._asked.tools}
            if calls and len(calls) == len(found) and known.issuperset(c.name for c in calls):
                listed = [
                    {
                        "id": f"call_{secrets.token_hex(8)}",
                        "type": "function",
                        "function": {
                            "name": call.name,
                            "arguments": json.dumps(call.arguments, ensure_ascii=False),
                        },
                    }
                    for call in calls
                ]
                return Said(_message(prose or None) | {"tool_calls": listed}, "tool_calls")
        return Said(_message(reply.text), "stop" if complete else "length")

    def _with_tools(self, talk: Conversation, turns: Sequence[Message], limits: Limits) -> Reply:
        asked, engine = self._asked, talk.engine
        if not talk.chats:
            raise BadTool(
                say("This model cannot use tools.", "이 모델은 도구를 쓸 수 없습니다."),
                say("It has no chat template.", "채팅 템플릿이 없습니다."),
                say("Leave out `tools`.", "`tools`를 빼세요."),
            )
        form = format_of(talk.template)
        self._format, self._tokenizer = form, engine.tokenizer
        calls = Calls(asked.tools, form, asked.calling, engine.tokenizer.special_tokens)
        rule = calls.follow(engine.tokenizer, inside=True)
        prompt = (
            instructed(talk, statement(asked.tools, form.arguments), _stated(turns, form))
            if form.stated
            else talk.prompt(turns, asked.tools)
        )
        return engine.reply(prompt, asked.sampling, limits, rule)


def _stated(turns: Sequence[Message], form: CallFormat) -> list[Message]:
    """Turns for a template that knows no tools: calls and results as text."""
    found = []
    for turn in turns:
        if turn.role == "tool":
            found.append(Message("user", f"함수 {turn.name or ''} 결과: {turn.content}"))
        elif turn.tool_calls:
            calls = [{"name": one.name, form.arguments: one.arguments} for one in turn.tool_calls]
            lines = [turn.content, *(json.dumps(one, ensure_ascii=False) for one in calls)]
            found.append(Message(turn.role, "\n".join(line for line in lines if line)))
        else:
            found.append(turn)
    return found


def _message(content: str | None) -> dict[str, Any]:
    return {"role": "assistant", "content": content, "refusal": None}
