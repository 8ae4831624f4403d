"""An answer in the making: its text piece by piece, why it ended, what it cost."""

import math
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from ondol import policy
from ondol.errors import DeviceLost, OptionError
from ondol.label import Export, Label, export
from ondol.language import say
from ondol.sampling import Sampler, Sampling
from ondol.stats import Stats as Stats
from ondol.stream import StopStrings, TextStream

if TYPE_CHECKING:
    from ondol.constraint import Constraint
    from ondol.engine import Engine
    from ondol.runtime import Logits

CHUNK = 512  # prompt tokens between two looks at the cancel flag


class Finish(StrEnum):
    """Why a reply ended."""

    END = "end"  # the model said so
    STOP = "stop"  # a stop string
    LENGTH = "length"  # max_tokens
    CONTEXT = "context"  # the context is full
    COMPLETE = "complete"  # its constraint is fulfilled, and nothing may follow
    STUCK = "stuck"  # its constraints leave no token
    TIME = "time"  # its time is up
    CANCELLED = "cancelled"
    LOST = "device-lost"  # `resume()` goes on, once the engine is on another device


@dataclass(frozen=True, slots=True)
class Limits:
    """When a reply ends besides the model's own word.

    `max_tokens` None: as many as the context holds; a reply that fills the context ends with
    `Finish.CONTEXT`, which is stated, not an error. `stop` are strings at which a reply ends,
    themselves left out, wherever token borders fall. `seconds` count from the first piece that is
    asked for, the reader's own time included; None: as long as this machine's policy allows.
    """

    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.max_tokens is not None and self.max_tokens < 1:
            raise OptionError(
                say(
                    f"max_tokens cannot be {self.max_tokens}.",
                    f"max_tokens 값으로 {self.max_tokens}을(를) 쓸 수 없습니다.",
                ),
                "",
                say("Choose 1 or more.", "1 이상으로 고르세요."),
            )
        if self.seconds is not None and not self.seconds > 0:
            raise OptionError(
                say(
                    f"seconds cannot be {self.seconds}.",
                    f"seconds 값으로 {self.seconds}을(를) 쓸 수 없습니다.",
                ),
                say("Nothing could be said in it.", "아무 말도 할 수 없는 시간입니다."),
                say("Choose more than 0.", "0보다 크게 고르세요."),
            )


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
        self._seconds = policy.reply_seconds(limits.seconds)
        self._deadline = math.inf
        self._constraint = constraint
        self._stream = TextStream(engine.tokenizer)
        self._stops = StopStrings(limits.stop)
        self._unsaid = ""  # text of tokens after which the device was lost
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
        self._cancel.set()

    @property
    def cancelled(self) -> bool:
        """Whether `cancel()` was called."""
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

    def _run(self) -> Iterator[str]:
        if self._seconds is not None and self._deadline == math.inf:
            self._deadline = time.monotonic() + self._seconds
        self._engine._active = self  # one cache serves one reply: a new one ends the one before
        try:
            logits = self._prefill()
            if logits is not None:
                yield from self._decode(logits)
        except DeviceLost:
            self.finish = Finish.LOST
            raise
        finally:
            self.finish = self.finish or Finish.CANCELLED
            self.stats = replace(self.stats, characters=len(self.text))

    def _stopped(self) -> bool:
        return self._cancel.is_set() or self._engine._active is not self

    def _late(self) -> bool:
        return time.monotonic() >= self._deadline

    def _prefill(self) -> "Logits | None":
        """Run what the cache lacks of the prompt; logits of its end, or None when cancelled."""
        engine, prompt = self._engine, [*self._prompt, *self.ids]
        kept = common(engine._held, prompt)
        engine._keep(kept)
        start, logits = time.perf_counter(), None
        for at in range(kept, len(prompt), CHUNK):
            if self._stopped():
                return None
            if self._late():
                self.finish = Finish.TIME
                return None
            logits = engine._append(prompt[at : at + CHUNK])
        self.stats = replace(
            self.stats,
            prefill_tokens=len(prompt) - kept,
            reused_tokens=kept,
            prefill_seconds=time.perf_counter() - start,
        )
        return logits

    def _decode(self, logits: "Logits") -> Iterator[str]:
        engine = self._engine
        stream, stops = self._stream, self._stops
        ends = frozenset(engine.tokenizer.eos)
        spent = self.stats.decode_seconds
        if self._unsaid:
            piece, self._unsaid = self._unsaid, ""
            self.text += piece
            yield piece
        while self.finish is None:
            if self._stopped():  # the logits may be another reply's by now
                self.finish, piece = Finish.CANCELLED, stops.finish()
                self.text += piece
                if piece:
                    yield piece
                return
            start = time.perf_counter()
            token = self._choose(logits)
            if token is None:
                self.finish, piece = Finish.STUCK, ""
            else:
                self.ids.append(token)
                piece = "" if token in ends else stops.push(stream.push(token))
                self.finish = self._end(token in ends, stops.stopped is not None)
            if self.finish is Finish.CANCELLED:
                piece += stops.finish()  # half a character in the stream is dropped
            elif self.finish not in (None, Finish.STOP):
                piece += stops.push(stream.finish()) + stops.finish()
            if self.finish is None and token is not None:
                self._unsaid = piece
                logits = engine._append([token])
                self._unsaid = ""
                spent += time.perf_counter() - start
                count = self.stats.decode_tokens + 1
                self.stats = replace(self.stats, decode_tokens=count, decode_seconds=spent)
            if piece:
                self.text += piece
                yield piece

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
            return Finish.CANCELLED
        if self._late():
            return Finish.TIME
        if most is not None and len(self.ids) >= most:
            return Finish.LENGTH
        full = self._engine.session.length >= self._engine.session.context
        return Finish.CONTEXT if full else None


def common(held: Sequence[int], prompt: Sequence[int]) -> int:
    """How many leading tokens two runs share, leaving one of the prompt to run."""
    most = min(len(held), len(prompt) - 1)
    return next((i for i in range(most) if held[i] != prompt[i]), most)
