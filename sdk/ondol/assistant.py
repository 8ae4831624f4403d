"""The one object that an app developer holds: a model on this device that answers in Korean."""

import os
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Any, Self, overload

from ondol import asynchronous, log, preparing, registry
from ondol.availability import Availability, Readiness, availability, closed, ready, unprepared
from ondol.bundle import Bundle
from ondol.choice import pick
from ondol.constraint import Constrained, Guard
from ondol.engine import Engine
from ondol.errors import BundleNotFound
from ondol.fitting import fitted_by
from ondol.grammar.extraction import Made, extract
from ondol.grammar.kinds import Schema
from ondol.hangul.script_guard import ScriptGuard
from ondol.messages import no_system
from ondol.overflow import Overflow
from ondol.plan import plan
from ondol.preparing import Progress
from ondol.reply import Limits, Reply
from ondol.retrieval.assisting import ask
from ondol.sampling import Sampling
from ondol.session import CONTINUATION_TOKENS, Conversation
from ondol.starter import Starter
from ondol.tools.calls import Calling
from ondol.tools.functions import Function
from ondol.tools.loop import ToolLimits, ToolRun, Veto, run_tools

logger = log.logger(__name__)


class Assistant:
    """A model that answers, offline. Nothing is loaded before the first reply or `prewarm()`.

        with Assistant() as a:
            for piece in a.stream("퇴직금은 언제까지 지급해야 하나요?"):
                print(piece, end="")

    Safe to use from several threads and tasks: replies take turns, token by token.

    Args:
        model: a bundle, its path, or its name in the store; None: the starter. One that is
            installed and was never converted is converted at the first use, which takes minutes;
            it goes to the log as a warning, and to `progress`.
        device: a device by name: that one or an error; None: as `ondol.pick` says.
        context: positions of the cache in tokens; None: as many as the bundle allows and fit.
        threads: None: as many as there are cores.
        spin: whether idle threads wait in a loop; False beside a user interface.
        memory: bytes that this process may take in all; None: what the system allows.
        system: the system prompt; None: the bundle's own, "": none.
        sampling: how tokens are chosen; None: greedy with the bundle's repetition penalty.
        limits: when replies end; None: at the model's word, and of a model that only continues
            text after `CONTINUATION_TOKENS`.
        progress: called with stage, done and total while a starter is converted.
        tools: functions that the model may call in `run_tools`.
        guard: what a reply without a `constraint` is held to, by the message; as it is, to
            Korean's scripts and those that the message asks for; None: to nothing.
    """

    def __init__(
        self,
        model: Bundle | str | os.PathLike[str] | None = None,
        *,
        device: str | None = None,
        context: int | None = None,
        threads: int | None = None,
        spin: bool = True,
        memory: int | None = None,
        system: str | None = None,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        progress: Progress | None = None,
        tools: Sequence[Callable[..., Any] | Function] = (),
        guard: Guard | None = ScriptGuard.for_chat,
    ) -> None:
        self._model = model
        self._device = device
        self._context = context
        self._threads = threads
        self._spin = spin
        self._memory = memory
        self._system = system
        self._sampling = sampling
        self._limits = limits
        self._progress = progress
        self._tools = tools
        self._guard = guard
        self._opening = threading.RLock()
        self._first: Conversation | None = None  # its turns stay empty: others branch off
        self._closed = False

    def reply(
        self,
        text: str,
        *,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        constraint: Constrained = None,
    ) -> Reply:
        """Answer a text that stands alone: iterate the reply for its pieces, or `read()` it.

        The model is opened now if it was not before; the answer is made as it is read.

        Args:
            text: a question, or what is to be continued.
            sampling, limits: for this reply; None: the assistant's.
            constraint: what its tokens are held to; None: what the guard says.

        Raises:
            BadPrompt: if the text is empty, no Unicode, or no text at all.
            ContextFull: if it leaves no room for an answer.
            BundleError, DeviceError, MissingExtra, OptionError: if the model cannot be opened.
        """
        return self._base().once(text, limits, sampling, constraint)

    def stream(
        self,
        text: str,
        *,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        constraint: Constrained = None,
    ) -> Reply:
        """As `reply`: a reply is its pieces."""
        return self.reply(text, sampling=sampling, limits=limits, constraint=constraint)

    async def areply(
        self,
        text: str,
        *,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        constraint: Constrained = None,
    ) -> Reply:
        """A whole reply, for asyncio; a task that is cancelled cancels it within a token."""
        ask = partial(self.reply, text, sampling=sampling, limits=limits, constraint=constraint)
        return await asynchronous.read(ask)

    def astream(
        self,
        text: str,
        *,
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        constraint: Constrained = None,
    ) -> AsyncGenerator[str, None]:
        """The pieces of a reply, for asyncio, made as they are asked for."""
        ask = partial(self.reply, text, sampling=sampling, limits=limits, constraint=constraint)
        return asynchronous.pieces(ask)

    @overload
    def extract(self, text: str, schema: type[Made], *, limits: Limits | None = None) -> Made: ...
    @overload
    def extract(self, text: str, schema: Schema, *, limits: Limits | None = None) -> Any: ...
    def extract(self, text: str, schema: Any, *, limits: Limits | None = None) -> Any:
        """What a text says, as an instance of a type or of a JSON Schema: `ondol.extract`."""
        return extract(self.conversation(""), text, schema, limits=limits or self._limits)

    def run_tools(
        self,
        text: str,
        *,
        calling: Calling = "guided",
        before_call: Veto | None = None,
        tool_limits: ToolLimits | None = None,
        limits: Limits | None = None,
    ) -> ToolRun:
        """Answer a text by way of the assistant's tools; as `ondol.tools.run_tools`."""
        return run_tools(
            self.conversation(),
            text,
            self._tools,
            calling=calling,
            before_call=before_call,
            tool_limits=tool_limits,
            limits=limits,
        )

    def conversation(
        self, system: str | None = None, overflow: Overflow = Overflow.SLIDE
    ) -> Conversation:
        """A conversation of its own on this model.

        Args:
            system: its system prompt; None: the assistant's.
            overflow: what happens when it no longer fits the context.

        Raises:
            BundleError, DeviceError, MissingExtra, OptionError: if the model cannot be opened.
        """
        return self._base().branch(system, overflow)

    def restored(self, path: str | os.PathLike[str]) -> Conversation:
        """A conversation that was saved with `Conversation.save`, on this model.

        Raises:
            BadConversation: if the file is none, damaged, or cannot be read.
            BundleError, DeviceError, MissingExtra, OptionError: if the model cannot be opened.
        """
        base = self._base()
        made = Conversation.restored(base.engine, path, sampling=base.sampling, limits=base.limits)
        made.guard = base.guard
        return made

    ask = ask

    def prewarm(self) -> None:
        """Open the model and run the system prompt, so that the first reply begins sooner.

        Raises:
            BundleError, DeviceError, MissingExtra, OptionError: if the model cannot be opened.
        """
        self._base().prewarm()

    def availability(self) -> Availability:
        """Whether it can answer here, why not, and what would help. Nothing is loaded or made."""
        return availability(self._look)

    def close(self) -> None:
        """Free the model. Closing twice is allowed; what is asked afterwards is SessionClosed."""
        with self._opening:
            self._closed = True
            if self._first is not None:
                self._first.engine.close()
                self._first = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _base(self) -> Conversation:
        with self._opening:
            if self._closed:
                raise closed()
            self._first = self._first or self._opened()
            return self._first

    def _opened(self) -> Conversation:
        engine = Engine.open(
            self._bundle(self._made),
            device=self._device,
            context=self._context,
            threads=self._threads,
            spin=self._spin,
            memory=self._memory,
        )
        try:
            first = Conversation(engine, system=self._system, sampling=self._sampling)
            first.limits = self._limits or Limits(None if first.chats else CONTINUATION_TOKENS)
            first.guard = self._guard
            if self._system and not first.chats:
                raise no_system(engine.bundle.name)
        except BaseException:
            engine.close()
            raise
        return first

    def _bundle(self, make: Callable[[Starter], Bundle]) -> Bundle:
        if isinstance(self._model, Bundle):
            return self._model
        name = None if self._model is None else os.fspath(self._model)
        return preparing.bundle_for(name, make)

    def _made(self, starter: Starter) -> Bundle:
        logger.warning("%s", preparing.notice(starter))
        return preparing.make_starter(starter, self._progress)

    def _look(self) -> Availability:
        if self._closed:
            return Availability(Readiness.CLOSED, closed().what, closed().fix)
        if (first := self._first) is not None:
            return ready(first.engine.bundle.name, first.engine.device)
        unmade: list[Starter] = []

        def refuse(starter: Starter) -> Bundle:
            unmade.append(starter)
            raise BundleNotFound(starter.name)

        try:
            bundle = self._bundle(refuse)
        except BundleNotFound:
            if not unmade:
                raise
            preparing.check_makeable(unmade[0])
            return unprepared(unmade[0].name)
        device = pick(bundle, self._device).device
        wish = plan(bundle, self._context, self._threads, self._spin)
        wished = self._context is not None
        fitted_by(registry.runtime(device), bundle, wish, self._memory, wished_context=wished)
        return ready(bundle.name, device)
