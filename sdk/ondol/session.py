"""A conversation: turns that grow, rendered by the model's own template, over one engine."""

import os
from collections.abc import AsyncGenerator, Sequence
from copy import copy
from functools import partial
from pathlib import Path

from ondol import asynchronous
from ondol.constraint import Constrained, Guard
from ondol.engine import Engine
from ondol.messages import check_message, no_turn
from ondol.overflow import Overflow, make_room
from ondol.prompt import Prompt
from ondol.reply import Finish, Limits, Reply
from ondol.sampling import Sampling
from ondol.sharing import common
from ondol.template import ChatTemplate, Message, Tool
from ondol.trail import Trail

CONTINUATION_TOKENS = 256
"""How far a model that only continues text may go where nobody says."""


class Conversation:
    """Turns between a user and a model; the cache of earlier turns is used again.

    A message becomes a turn when it is sent, and its answer when it has ended; a message whose
    answer stayed empty is no turn. For one thread or task at a time; several conversations may
    share an engine. A model without a chat template continues text instead: each message stands
    alone.

    Args:
        engine: an open engine.
        system: the system prompt; None: the bundle's own, "": none.
        sampling: how tokens are chosen; None: greedy with the bundle's repetition penalty.
        limits: when replies end; None: at the model's word.
        overflow: what happens when the turns no longer fit the context.
        tools: functions that the template tells the model of.

    Attributes:
        turns: what was said, oldest first.
        start: the first of the turns that the model is still shown.
        summary: what stands for those before it; empty where they were only left out.
        trail: the tokens that were run so far, and their text.
        guard: says what replies without a `constraint` are held to; None: to nothing.
        rebuilt: of a restored one, why its text is run again; empty if its cache was taken.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        system: str | None = None,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        overflow: Overflow = Overflow.ERROR,
        tools: Sequence[Tool] = (),
    ) -> None:
        self.engine = engine
        defaults = engine.bundle.manifest.defaults
        self.system = defaults.system if system is None else system
        self.sampling = sampling or Sampling(repetition_penalty=defaults.repetition_penalty)
        self.limits = limits
        self.overflow = overflow
        self.tools = tuple(tools)
        self.guard: Guard | None = None
        self.turns: list[Message] = []
        self.start = 0
        self.summary = ""
        self._pending: Reply | None = None
        self.rebuilt = ""
        self.trail = Trail()
        self._template = ChatTemplate.of(engine.bundle, engine.tokenizer)

    @classmethod
    def restored(
        cls,
        engine: Engine,
        path: str | os.PathLike[str],
        *,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        tools: Sequence[Tool] = (),
    ) -> "Conversation":
        """A conversation that was saved, with its cache if that is of this model and device.

        `rebuilt` says why not, if it is not; then its text is run again with the next message.

        Raises:
            BadConversation: if the file is none, damaged, or cannot be read.
        """
        from ondol.saved import restore

        made = cls(engine, sampling=sampling, limits=limits, tools=tools)
        made.rebuilt = restore(made, Path(path))
        return made

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the turns and the model's cache of them to a file, whole or not at all.

        A reply that has not ended is cut short. Only the file's owner may read it.

        Raises:
            StorageError: on what the disk refuses; an older file is untouched.
        """
        from ondol.saved import save

        self._settle()
        save(self, Path(path))

    @property
    def chats(self) -> bool:
        """Whether the model has a chat template; else it continues text."""
        return self._template is not None

    def send(
        self,
        text: str,
        limits: Limits | None = None,
        sampling: Sampling | None = None,
        constraint: Constrained = None,
    ) -> Reply:
        """Say something. A reply before it that has not ended is cut short.

        Nothing of the answer is made until it is read; with `Overflow.SUMMARISE`, the summary is.

        Args:
            text: what the user says.
            limits, sampling: for this reply; None: the conversation's.
            constraint: what its tokens are held to; None: what the guard says.

        Raises:
            BadPrompt: if the text is empty, not Unicode, or no text.
            ContextFull: if the conversation no longer fits the context.
            TemplateError: if the template refuses the turns.
        """
        check_message(text)
        self._settle()
        turns = [*self.turns, Message("user", text)]
        return self._answer(turns, limits, sampling, constraint)

    def once(
        self,
        text: str,
        limits: Limits | None = None,
        sampling: Sampling | None = None,
        constraint: Constrained = None,
    ) -> Reply:
        """The answer to a text as if it came next; neither becomes a turn. As `send` otherwise."""
        check_message(text)
        turns = [*self.shown, Message("user", text)]
        held = self._held_to(turns, constraint)
        chosen, limits = sampling or self.sampling, limits or self.limits
        return self.engine.reply(self.ids(turns), chosen, limits, held)

    def edit(
        self,
        turn: int,
        text: str,
        limits: Limits | None = None,
        sampling: Sampling | None = None,
    ) -> Reply:
        """Say something else in the place of one of the user's turns; what followed is forgotten.

        Args:
            turn: its place in `turns`, from 0.
            text, limits, sampling: as of `send`.

        Raises:
            OptionError: if that is no turn of the user's.
            BadPrompt, ContextFull, TemplateError: as of `send`.
        """
        check_message(text)
        self._settle()
        if not 0 <= turn < len(self.turns) or self.turns[turn].role != "user":
            raise no_turn(turn, len(self.turns))
        return self._answer([*self.turns[:turn], Message("user", text)], limits, sampling)

    def regenerate(self, limits: Limits | None = None, sampling: Sampling | None = None) -> Reply:
        """Answer the user's last message anew, in the place of the answer there is.

        The likeliest tokens are the same again: give a sampling with a temperature for others.

        Raises:
            OptionError: if nothing was said yet.
        """
        self._settle()
        last = len(self.turns) - 1
        while last >= 0 and self.turns[last].role != "user":
            last -= 1
        if last < 0:
            raise no_turn(0, len(self.turns))
        return self._answer(self.turns[: last + 1], limits, sampling)

    async def asend(
        self, text: str, limits: Limits | None = None, sampling: Sampling | None = None
    ) -> Reply:
        """A whole reply, for asyncio; otherwise as `send`."""
        return await asynchronous.read(partial(self.send, text, limits, sampling))

    def astream(
        self, text: str, limits: Limits | None = None, sampling: Sampling | None = None
    ) -> AsyncGenerator[str, None]:
        """The pieces of a reply, for asyncio, made as they are asked for; otherwise as `send`."""
        return asynchronous.pieces(partial(self.send, text, limits, sampling))

    def keep(self, reply: Reply) -> None:
        """Take what a reply has said so far as the model's turn, and let it end.

        One that has ended was taken already.
        """
        if reply is self._pending:
            self._settle()

    def ended(self, reply: Reply) -> None:
        """A reply has ended: it becomes a turn, unless a later one took its place."""
        if reply is self._pending and reply.finish is not Finish.LOST:
            self._settle()

    def branch(self, system: str | None = None, overflow: Overflow | None = None) -> "Conversation":
        """Another conversation that begins with the turns so far; the two go their own ways.

        Args:
            system, overflow: its own; None: the same.
        """
        other = copy(self)
        other.overflow = overflow or self.overflow
        other.turns, other._pending = list(self.turns), None
        if system is not None:
            other.system = system
        return other

    def prewarm(self) -> None:
        """Run what the next prompt will begin with, so that its reply begins sooner.

        Raises:
            ContextFull: if that alone fills the context.
            DeviceError: if the device fails.
        """
        one, other = (self.ids([*self.shown, Message("user", text)]) for text in "가A")
        self.engine.warm(one[: common(one, other)])

    @property
    def template(self) -> str:
        """The chat template's text; empty without one."""
        return self._template.source if self._template else ""

    @property
    def shown(self) -> list[Message]:
        """The turns that the model is still shown."""
        return self.turns[self.start :]

    def prompt(self, turns: Sequence[Message], tools: Sequence[Tool] | None = None) -> Prompt:
        """What the model is given for these turns, and for tools where its template lists them."""
        if self._template is None:
            return Prompt.plain(turns[-1].content)
        system = "\n\n".join(filter(None, (self.system, self.summary)))
        opening = [Message("system", system)] if system else []
        return self._template.render([*opening, *turns], tools=tools or self.tools or None)

    def ids(self, turns: Sequence[Message]) -> list[int]:
        """The tokens of `prompt`, as far as they are known those that were run before."""
        return self.trail.encode(self.prompt(turns), self.engine.tokenizer)

    def _answer(
        self,
        turns: list[Message],
        limits: Limits | None,
        sampling: Sampling | None,
        constraint: Constrained = None,
    ) -> Reply:
        limits = limits or self.limits or Limits()
        prompt, ids = make_room(self, turns, limits)
        chosen, held = sampling or self.sampling, self._held_to(turns, constraint)
        reply = self.engine.reply(ids, chosen, limits, held, holder=self)
        self.trail = self.trail.prompted(prompt, ids)
        self.turns, self._pending = turns, reply
        return reply

    def _held_to(self, turns: Sequence[Message], constraint: Constrained) -> Constrained:
        if constraint is not None or self.guard is None:
            return constraint
        said = [turn.content for turn in turns if turn.role != "assistant"]
        return self.guard("\n".join([self.system, *said]))

    def _settle(self) -> None:
        """Make what the last reply said a turn; it ends here if it had not."""
        reply, self._pending = self._pending, None
        if reply is None:
            return
        reply.cancel()
        if reply.text:
            self.turns.append(Message("assistant", reply.text))
            self.trail = self.trail.said(reply.text, reply.ids, self.engine.tokenizer)
        elif self.turns and self.turns[-1].role == "user":
            self.turns.pop()
