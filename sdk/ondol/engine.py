"""Prompt to tokens to text: prefill, decode, stop, cancel, on one session."""

import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ondol import log, policy, registry
from ondol.bundle import Bundle
from ondol.cache import Cache
from ondol.choice import pick
from ondol.constraint import Constrained, bound
from ondol.fitting import cache_row, fitted_by
from ondol.governor import Governor
from ondol.memory import release_unused
from ondol.plan import BATCH, Plan, plan
from ondol.prompt import Prompt
from ondol.reply import Holder, Limits, Reply
from ondol.runtime import DecoderSession
from ondol.sampling import Sampling
from ondol.sharing import SNAPSHOT_BYTES, Turns, common
from ondol.token_ids import prompt_ids
from ondol.tokenizer import Tokenizer

if TYPE_CHECKING:
    from ondol.runtime import Logits


logger = log.logger(__name__)
NAP = 0.05  # seconds between looks at whether a resting reply was cancelled
HEAD_START = 0.03  # seconds from a device's word that it is at work to its letting go of the lock


class Engine:
    """One model, open on one device: tokens in and text out."""

    def __init__(
        self,
        bundle: Bundle,
        session: DecoderSession,
        tokenizer: Tokenizer,
        device: str,
        changes: tuple[str, ...] = (),
    ) -> None:
        self.bundle = bundle
        self.cache = Cache(session, cache_row(bundle.decoder), SNAPSHOT_BYTES)
        self.tokenizer = tokenizer
        self.device = device
        self.changes = changes
        self.turns = Turns()
        self.ends = frozenset(tokenizer.eos)
        self._plan: Plan | None = None
        self._governor: Governor | None = None

    @classmethod
    def open(
        cls,
        bundle: Bundle | str | os.PathLike[str],
        *,
        device: str | None = None,
        context: int | None = None,
        threads: int | None = None,
        spin: bool = True,
        governor: Governor | None = None,
        memory: int | None = None,
        snapshots: int | None = None,
    ) -> "Engine":
        """Open a bundle on a device, tokenizer and weights at the same time.

        What had to be made smaller to fit the memory is in `changes`, and goes to the log as a
        warning.

        Args:
            bundle: an opened bundle, or the path of one.
            device: a device by name: that one or an error; None: as `ondol.choice.pick` says.
            context: positions of the KV cache in tokens; None: all the bundle allows, or as many
                as fit in memory.
            threads: None: as many as there are cores.
            spin: whether idle threads wait in a loop; False beside a user interface.
            governor: rests between tokens, and goes on with fewer threads, under heat or on a
                low battery; None: nobody does.
            memory: bytes that this process may take in all; None: what the system allows.
            snapshots: bytes for what conversations leave in the cache when others take it;
                None: `SNAPSHOT_BYTES`, or none where `memory` is given.

        Raises:
            BundleError: if the bundle cannot be read, does not hold, or is no decoder.
            DeviceError: if the device cannot be used.
            NotEnoughMemory: if it would not fit; nothing was loaded.
            OptionError: if a setting cannot be met.
        """
        opened = bundle if isinstance(bundle, Bundle) else Bundle.open(Path(bundle))
        facts = opened.decoder
        policy.check(opened)  # before its tokenizer is parsed
        device = pick(opened).device if device is None else device
        runtime = registry.runtime(device)
        wish = plan(opened, context, threads, spin)
        fitted = fitted_by(runtime, opened, wish, memory, wished_context=context is not None)
        settings = fitted.plan
        for change in fitted.changes:
            logger.warning("%s", change)
        with ThreadPoolExecutor(1, "ondol-open") as pool:
            session = pool.submit(copy_context().run, runtime.open, opened, settings)
            try:
                if not Tokenizer.has_table(opened):
                    # Parsing a tokenizer keeps the interpreter to itself: the device goes first
                    runtime.at_work.wait()
                    time.sleep(HEAD_START)
                tokenizer = Tokenizer.of(opened, bos=facts.bos, eos=facts.eos)
            except BaseException:
                if session.exception() is None:
                    session.result().close()
                raise
            try:
                engine = cls(opened, session.result(), tokenizer, device, fitted.changes)
                engine._governed(settings, governor)
                if snapshots is not None or memory is not None:
                    engine.cache.prefixes.most_bytes = snapshots or 0
            except BaseException:
                tokenizer.close()
                raise
        release_unused()
        return engine

    def reply(
        self,
        prompt: str | Prompt | Sequence[int],
        sampling: Sampling | None = None,
        limits: Limits | None = None,
        constraint: Constrained = None,
        *,
        holder: Holder | None = None,
    ) -> Reply:
        """Start an answer to a prompt: text to be continued, a rendered template, or token ids.

        Nothing runs until the reply is iterated or read. What the cache already holds of the
        prompt is not run again. Replies that are read side by side, from any threads, take turns.

        Args:
            prompt: token ids are run as they are; text is encoded, special tokens in it as text.
            sampling: how tokens are chosen; None: greedy.
            limits: when it ends; None: at the model's word.
            constraint: what tokens may be chosen; of several, a token must be allowed by each.
            holder: who goes on from this reply later, such as a conversation: while it lives,
                its keys and values are kept when another reply takes the cache.

        Raises:
            BadPrompt: if the prompt is empty or not Unicode text.
            ContextFull: if the prompt leaves no room for an answer.
            OptionError: if no reply could keep to the constraint.
            MissingExtra: if what a constraint runs by is not installed.
        """
        ids = prompt_ids(prompt, self.tokenizer, self.session.context)
        held_to = bound(constraint, self.tokenizer)
        return Reply(self, ids, sampling or Sampling(), limits or Limits(), held_to, holder)

    def warm(self, ids: Sequence[int]) -> None:
        """Run tokens that the next prompt begins with; what the cache holds of them stays.

        Raises:
            ContextFull: if they do not fit.
            OptionError: if an id is outside the vocabulary.
            DeviceError: if the device fails.
        """
        with self.alone():
            kept = common(self.cache.held, [*ids, -1])
            if kept < len(ids):
                self.cache.leave(None, ids)
                self.cache.keep(kept)
                self._append(ids[kept:])
            self.cache.active = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep replies from running; those that have begun go on afterwards."""
        who = object()
        self.turns.take(who)
        try:
            yield
        finally:
            self.turns.give(ended=True)

    def move(self, device: str, *, threads: int | None = None, spin: bool = True) -> None:
        """Go on on another device with the same context, such as after `DeviceLost`.

        The session there is empty: the next reply runs its whole prompt, and `Reply.resume`
        the tokens of the reply that was cut off.

        Args:
            device: a device by name: that one or an error.
            threads: None: as many as there are cores.
            spin: as of `open`.

        Raises:
            BundleError: if the bundle holds no longer.
            DeviceError: if the device cannot be used; the engine stays where it is.
        """
        settings = plan(self.bundle, self.session.context, threads, spin)
        session = registry.runtime(device).open(self.bundle, settings)
        with self.alone():
            self.session.close()
            self.cache.moved(session)
            self.device = device

    @property
    def session(self) -> DecoderSession:
        """The device's session."""
        return self.cache.session

    def close(self) -> None:
        """Free the device and the tokenizer, once the token that is being made is made."""
        with self.alone():
            self.session.close()
            self.tokenizer.close()
            self.cache.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def threads(self) -> int:
        """Threads that the session runs with now; 0 where nobody told the engine."""
        return self._plan.threads if self._plan else 0

    @property
    def batch(self) -> int:
        """Tokens of a prompt that run at once, after which a reply may be cancelled."""
        return self._plan.batch if self._plan else BATCH

    def _governed(self, settings: Plan, governor: Governor | None) -> None:
        self._plan, self._governor = settings, governor
        if governor is not None:
            governor.begin(settings.threads)

    def _govern(self, governor: Governor) -> None:
        """Do what the governor asks for before a token; a reply that is cancelled rests no more."""
        action = governor.look(time.monotonic())
        if self._plan is not None and action.threads != self._plan.threads:
            self._reopen(replace(self._plan, threads=action.threads))
        end = time.monotonic() + action.rest_seconds
        while (left := end - time.monotonic()) > 0:
            if self.cache.active is not None and self.cache.active.cancelled:
                return
            time.sleep(min(left, NAP))

    def _reopen(self, settings: Plan) -> None:
        """The same session with other settings: what it held is run again, in one go.

        Its keys and values may differ in their last bits, as a prefill's from single steps do.
        """
        self.session.close()  # first: there may be no memory for two
        self.cache.session = registry.runtime(self.device).open(self.bundle, settings)
        self._plan = settings
        if self.cache.held:
            self.session.append(self.cache.held)

    def _append(self, ids: Sequence[int]) -> "Logits":
        """Run tokens and remember that the cache holds them."""
        if self._governor is not None:
            self._govern(self._governor)
        return self.cache.append(ids)

    def _keep(self, length: int) -> None:
        """Forget all but the first tokens."""
        self.cache.keep(length)
