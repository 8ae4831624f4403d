"""A question to an answer by way of tools: ask, run what is called for, tell the results, repeat.

Only what the model writes is read for calls: prompts and results that look like one are text.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ondol.errors import BadPrompt, BadTool, ContextFull
from ondol.instruction import instructed
from ondol.label import Label
from ondol.language import say
from ondol.privacy import guarded_values
from ondol.prompt import Prompt
from ondol.reply import Finish, Limits, Reply
from ondol.sampling import Sampling
from ondol.session import Conversation
from ondol.template import Message, ToolCall
from ondol.tools.calls import Calling, Calls, Found, Way, calls_in, marked, unmarked
from ondol.tools.formats import CallFormat, format_of, statement
from ondol.tools.functions import Function, by_name
from ondol.tools.running import Ran, run_function

Veto = Callable[[ToolCall], bool | str]
"""Asked before each valid call: True lets it run; False, or a reason for the model, does not."""

WHOLE = (Finish.END, Finish.COMPLETE, Finish.STOP)


@dataclass(frozen=True, slots=True)
class ToolLimits:
    """When tools end: rounds of calls, seconds of one call and in all, characters of a result."""

    rounds: int = 4
    call_seconds: float = 10.0
    seconds: float = 120.0
    characters: int = 4000

    def __post_init__(self) -> None:
        for name in ("rounds", "call_seconds", "seconds", "characters"):
            if not getattr(self, name) > 0:
                raise BadTool(
                    say(
                        f"{name} cannot be {getattr(self, name)}.",
                        f"{name} 값으로 {getattr(self, name)}을(를) 쓸 수 없습니다.",
                    ),
                    "",
                    say("Choose more than 0.", "0보다 크게 고르세요."),
                )


class Outcome(StrEnum):
    """How it all ended."""

    ANSWERED = "answered"
    CUT = "cut"  # the last reply ended early; `finish` says why
    INVALID = "invalid-call"  # "free": no round was left after a call that does not validate
    ROUNDS = "rounds"  # "free": the model was still calling when the rounds were spent
    TIME = "time"
    CONTEXT = "context"  # what the tools said leaves no room for an answer


@dataclass(frozen=True, slots=True)
class Step:
    """One call: how it went and what the model was told; `call` None where it was none."""

    call: ToolCall | None
    ran: Ran
    result: str


@dataclass(frozen=True, slots=True)
class ToolRun:
    """An answer by way of tools.

    Attributes:
        text: the answer; of another outcome, what the last reply says.
        outcome: how it ended.
        steps: the calls in order.
        turns: what was said, from the question on: to be kept in the conversation.
        finish: why the last reply ended; None where none was made.
        label: that AI wrote the last reply.
    """

    text: str
    outcome: Outcome
    steps: tuple[Step, ...]
    turns: tuple[Message, ...]
    finish: Finish | None
    label: Label | None


def run_tools(
    talk: Conversation,
    text: str,
    tools: Sequence[Callable[..., Any] | Function],
    *,
    calling: Calling = "guided",
    before_call: Veto | None = None,
    tool_limits: ToolLimits | None = None,
    sampling: Sampling | None = None,
    limits: Limits | None = None,
) -> ToolRun:
    """Answer a text, with tools where the model calls for them.

    What was said is kept in the conversation if it was answered; otherwise that stays as it was.

    Args:
        talk: a conversation with a model that chats.
        text: what the user asks.
        tools: functions, or what `function_tool` made of them.
        calling: "guided" keeps every call valid, "required" makes the first reply a call, "free"
            leaves replies alone and needs no extra.
        before_call: see `Veto`.
        tool_limits: None: the defaults.
        sampling: None: the conversation's.
        limits: of each reply; None: the conversation's.

    Raises:
        BadTool: if a function cannot be a tool, or the model has no chat template.
        BadPrompt: if the text is empty or not Unicode.
        BadGrammar: if a tool's arguments cannot be kept to.
        ContextFull: if the question and the tools alone leave no room.
        MissingExtra: if llguidance is not installed and `calling` is not "free".
        TemplateError: if the template refuses the turns.
    """
    if not isinstance(text, str) or not text.strip():
        raise BadPrompt(
            say("The message is empty.", "메시지가 비어 있습니다."),
            say("There is nothing to answer.", "답할 내용이 없습니다."),
            say("Write something.", "내용을 써 주세요."),
        )
    loop = _Loop(talk, by_name(tools), calling, before_call, tool_limits or ToolLimits())
    done = loop.run(Message("user", text), sampling or talk.sampling, limits or talk.limits)
    if done.outcome is Outcome.ANSWERED:
        talk.turns = [*talk.turns, *done.turns]
    return done


class _Loop:
    def __init__(
        self,
        talk: Conversation,
        tools: dict[str, Function],
        calling: Calling,
        before_call: Veto | None,
        limits: ToolLimits,
    ) -> None:
        if not talk.chats:
            raise BadTool(
                say("This model cannot use tools.", "이 모델은 도구를 쓸 수 없습니다."),
                say("It has no chat template.", "채팅 템플릿이 없습니다."),
                say("Use a model that chats.", "대화형 모델을 쓰세요."),
            )
        self._talk, self._tools, self._limits = talk, tools, limits
        self._calling: Calling = calling
        self._before_call = before_call
        self._format: CallFormat = format_of(talk.template)
        self._until = time.monotonic() + limits.seconds
        self._steps: list[Step] = []

    def run(self, question: Message, sampling: Sampling, limits: Limits | None) -> ToolRun:
        turns = [question]
        said, number = "", 0
        while True:
            try:
                reply = self._reply(turns, self._way(number), sampling, limits)
            except ContextFull:
                if number == 0:
                    raise
                return self._done(said, Outcome.CONTEXT, turns, None)
            said, form = marked(reply, self._talk.engine.tokenizer, self._format)
            if reply.finish not in WHOLE:
                late = time.monotonic() >= self._until
                return self._done(said, Outcome.TIME if late else Outcome.CUT, turns, reply)
            prose, found = calls_in(said, form, self._tools)
            found = [_guarded(one) for one in found]
            said = unmarked(said, self._format)
            if not found:
                turns.append(Message("assistant", said))
                return self._done(said, Outcome.ANSWERED, turns, reply)
            if number == self._limits.rounds:
                wrong = any(self._wrong(one) for one in found)
                outcome = Outcome.INVALID if wrong else Outcome.ROUNDS
                return self._done(said, outcome, turns, reply)
            turns += self._turns(said, prose, found)
            if time.monotonic() >= self._until:
                return self._done(prose, Outcome.TIME, turns, reply)
            number += 1

    def _done(
        self, text: str, outcome: Outcome, turns: list[Message], reply: Reply | None
    ) -> ToolRun:
        finish, label = (reply.finish, reply.label) if reply else (None, None)
        return ToolRun(text, outcome, tuple(self._steps), tuple(turns), finish, label)

    def _way(self, number: int) -> Way:
        """How the reply of a round is held: the first as asked, the last to an answer."""
        if number == 0 or self._calling == "free":
            return self._calling
        return "never" if number == self._limits.rounds else "guided"

    def _reply(
        self, turns: list[Message], way: Way, sampling: Sampling, limits: Limits | None
    ) -> Reply:
        engine, form = self._talk.engine, self._format
        tools = [one.tool for one in self._tools.values()]
        rule = None
        if way != "free":
            calls = Calls(tools, form, way, engine.tokenizer.special_tokens)
            rule = calls.follow(engine.tokenizer, inside=True)
        reply = engine.reply(self._prompt(turns), sampling, limits, rule)
        for _ in reply:
            if time.monotonic() >= self._until:
                reply.cancel()
        return reply

    def _prompt(self, turns: list[Message]) -> Prompt:
        tools = [one.tool for one in self._tools.values()]
        every = [*self._talk.shown, *turns]
        if self._format.stated:
            return instructed(self._talk, statement(tools, self._format.arguments), every)
        return self._talk.prompt(every, tools)

    def _turns(self, said: str, prose: str, found: list[Found]) -> list[Message]:
        """What a reply with calls and their results are as turns."""
        results: list[Message] = []
        for one in found:
            step = self._step(one)
            self._steps.append(step)
            results.append(self._result(step))
        calls = tuple(one.call for one in found if one.call is not None)
        if self._format.stated or not calls:
            return [Message("assistant", said), *results]
        return [Message("assistant", prose, calls), *results]

    def _result(self, step: Step) -> Message:
        name = step.call.name if step.call else None
        if not self._format.stated:
            return Message("tool", step.result, name=name)
        return Message("user", f"함수 {name or ''} 결과: {step.result}")

    def _wrong(self, found: Found) -> str:
        """Why a place is no valid call; empty where it is one."""
        if found.call is None:
            return found.wrong
        function = self._tools.get(found.call.name)
        if function is None:
            return f"{found.call.name}?"
        try:
            function.arguments(found.call)
        except ValueError as exc:
            return str(exc)
        return ""

    def _step(self, found: Found) -> Step:
        wrong = self._wrong(found)
        if wrong or found.call is None:
            names = ", ".join(self._tools)
            told = f"오류: 올바른 호출이 아닙니다 ({wrong[:200]}). 쓸 수 있는 함수: {names}"
            return Step(found.call, Ran.INVALID, told)
        allowed = True if self._before_call is None else self._before_call(found.call)
        if allowed is not True:
            reason = f" ({allowed})" if allowed else ""
            return Step(found.call, Ran.VETOED, f"오류: 이 호출은 허락되지 않았습니다{reason}.")
        function = self._tools[found.call.name]
        seconds = max(0.0, min(self._limits.call_seconds, self._until - time.monotonic()))
        ran, result = run_function(
            function, function.arguments(found.call), seconds, self._limits.characters
        )
        return Step(found.call, ran, result)


def _guarded(found: Found) -> Found:
    """A call with its arguments masked where the machine's policy says so."""
    if found.call is None:
        return found
    arguments = guarded_values(found.call.arguments, "tools")
    return replace(found, call=ToolCall(found.call.name, arguments))
