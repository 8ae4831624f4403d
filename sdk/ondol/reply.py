"""An answer in the making: its text piece by piece, why it ended, what it cost."""

import math
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from ondol import policy
from ondol.errors import DeviceLost, OptionError
from ondol.label import Export, Label, export
from ondol.language import say
from ondol.outcome import Finish as Finish
from ondol.outcome import Limits as Limits
from ondol.plan import passes
from ondol.sampling import Sampler, Sampling
from ondol.stats import Stats as Stats
from ondol.stream import StopStrings, TextStream

if TYPE_CHECKING:
    from ondol.constraint import Constraint
    from ondol.engine import Engine
    from ondol.runtime import Logits


class Holder(Protocol):
    """Who goes on from a reply later, such as a conversation."""

    def ended(self, reply: "Reply") -> None:
        """Told when a reply has ended, in the thread that read it."""


class Reply:
    """An answer in the making: iterate for its text, piece by piece; then read the rest.

    Attributes:
        ids: the tokens so far, the ending token included.
        text: the text so far.
        finish: why it ended; None while it is being made.
        stats: what it cost; complete once `finish` is set.
    """

    def __init__(
        self,
        engine: "Engine",
        prompt: Sequence[int],
        sampling: Sampling,
        limits: Limits,
        constraint: "Constraint | None" = None,
        holder: Holder | None = None,
    ) -> None:
        self.ids: list[int] = []
        self.text = ""
        self.finish: Finish | None = None
        self.stats = Stats(len(prompt), 0, 0, 0.0, 0, 0.0, 0)
        self._engine = engine
        self._begun = time.time()
        self._prompt = prompt
        self._sampler = Sampler(sampling, prompt)
        self._limits = limits
        self._constraint = constraint
        self._stream = TextStream(engine.tokenizer)
        self._stops = StopStrings(limits.stop)
        self._seconds = policy.reply_seconds(limits.seconds)
        self._deadline = math.inf
        self._holder: weakref.ref[Holder | Reply] = weakref.ref(holder or self)
        self._cancel = threading.Event()
        self._pieces = self._run()

    @property
    def label(self) -> Label:
        """That AI wrote it: the model, what ran it, and when the reply was begun."""
        return Label.of(self._engine.bundle, self._begun)

    def export(self) -> Export:
        """The text so far on its way out, with its label."""
        return export(self.text, self.label)

    def cancel(self) -> None:
        """Stop within one token; safe from any thread. The text so far stays."""
        if self.finish in (None, Finish.LOST):
            self._cancel.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel()` was called before it ended."""
        return self._cancel.is_set()

    def resume(self) -> None:
        """Go on where the device was lost; `Engine.move` put the engine on another before.

        Prompt and tokens so far are run there, and what was said stays said. Read it on.

        Raises:
            OptionError: if the reply did not end with `Finish.LOST`.
        """
        if self.finish is not Finish.LOST:
            raise OptionError(
                say("This reply cannot be resumed.", "이 답은 이어 갈 수 없습니다."),
                say(
                    f"It ended otherwise: {self.finish}.",
                    f"다른 까닭으로 끝났습니다: {self.finish}",
                )
                if self.finish
                else say("It has not ended.", "아직 끝나지 않았습니다."),
                say("Ask again.", "다시 물어보세요."),
            )
        self.finish = None
        self._pieces = self._run()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return next(self._pieces)

    def read(self) -> str:
        """The whole answer, waiting for what is still to come."""
        for _ in self:
            pass
        return self.text

    @property
    def holder(self) -> "Holder | Reply | None":
        """Who may need what this reply leaves in the cache; None once they are gone."""
        return self._holder()

    @property
    def needed(self) -> bool:
        """Whether somebody may go on from what it leaves: its conversation, or itself."""
        return self.holder is not self or not (self.finish or self.cancelled)

    def _run(self) -> Iterator[str]:
        if self._seconds is not None and self._deadline == math.inf:
            self._deadline = time.monotonic() + self._seconds
        try:
            while self.finish is None:
                piece = self._step()
                if piece:
                    self.text += piece
                    yield piece
        except DeviceLost:
            self.finish = Finish.LOST
            raise
        finally:
            self.finish = self.finish or Finish.CANCELLED
            self.stats = replace(self.stats, characters=len(self.text))
            holder = self.holder
            if holder is not None and not isinstance(holder, Reply):
                holder.ended(self)

    def _step(self) -> str:
        """One more token, and the text that it completes."""
        turns = self._engine.turns
        if not turns.take(self, self._stopped):
            return self._cut()
        try:
            start = time.perf_counter()
            going_on = self._engine.cache.active is self and bool(self.ids)
            logits = self._next() if going_on else self._prefill()
            if logits is None:
                return self._cut()
            piece = self._say(logits)
            if going_on:
                self._count(time.perf_counter() - start)
            return piece
        finally:
            turns.give(self.finish is not None)

    def _next(self) -> "Logits | None":
        """Run the token chosen last."""
        return None if self._stopped() else self._engine._append(self.ids[-1:])

    def _prefill(self) -> "Logits | None":
        """Run what the cache lacks of prompt and answer; logits of its end, None when stopped."""
        engine, tokens = self._engine, [*self._prompt, *self.ids]
        start, logits = time.perf_counter(), None
        if self._stopped():
            return None
        kept = engine.cache.give(self, tokens)
        for at, stop in passes(kept, len(tokens), engine.batch):
            if self._stopped():
                return None
            logits = engine._append(tokens[at:stop])
        run = len(tokens) - kept
        if self.ids:
            self.stats = replace(self.stats, rerun_tokens=self.stats.rerun_tokens + run)
        else:
            spent = time.perf_counter() - start
            self.stats = replace(
                self.stats, prefill_tokens=run, reused_tokens=kept, prefill_seconds=spent
            )
        return logits

    def _say(self, logits: "Logits") -> str:
        """Choose a token, see whether it ends the reply, and spell it."""
        stream, stops = self._stream, self._stops
        token = self._choose(logits)
        if token is None:
            self.finish, piece = Finish.STUCK, ""
        else:
            self.ids.append(token)
            said = token in self._engine.ends
            piece = "" if said else stops.push(stream.push(token))
            self.finish = self._end(said, stops.stopped is not None)
        if self.finish in (Finish.CANCELLED, Finish.TIME):
            piece += stops.finish()  # half a character in the stream is dropped
        elif self.finish not in (None, Finish.STOP):
            piece += stops.push(stream.finish()) + stops.finish()
        return piece

    def _choose(self, logits: "Logits") -> int | None:
        """The next token, kept to the constraint; None where that leaves none."""
        constraint = self._constraint
        if constraint is None:
            return self._sampler.choose(logits)
        constraint.mask(logits)
        if logits.max() == -math.inf:
            return None
        token = self._sampler.choose(logits)
        constraint.accept(token)
        return token

    def _end(self, said: bool, stopped: bool) -> Finish | None:
        """Why the reply ends with the token just chosen, if it does."""
        most = self._limits.max_tokens
        if said:
            return Finish.END
        if stopped:
            return Finish.STOP
        if self._constraint is not None and self._constraint.finished:
            return Finish.COMPLETE
        if self._stopped():
            return self._cut_short
        if most is not None and len(self.ids) >= most:
            return Finish.LENGTH
        full = self._engine.session.length >= self._engine.session.context
        return Finish.CONTEXT if full else None

    def _count(self, seconds: float) -> None:
        stats = self.stats
        self.stats = replace(
            stats,
            decode_tokens=stats.decode_tokens + 1,
            decode_seconds=stats.decode_seconds + seconds,
        )

    def _stopped(self) -> bool:
        return self._cancel.is_set() or self._late

    @property
    def _late(self) -> bool:
        return time.monotonic() >= self._deadline

    @property
    def _cut_short(self) -> Finish:
        return Finish.CANCELLED if self._cancel.is_set() else Finish.TIME

    def _cut(self) -> str:
        """End between two tokens; what a stop string held back is text after all."""
        self.finish = self._cut_short
        return self._stops.finish()
