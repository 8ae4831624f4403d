"""When a reply ends, and why it did."""

import math
from dataclasses import dataclass
from enum import StrEnum
from types import UnionType

from ondol.errors import OptionError
from ondol.language import say


class Finish(StrEnum):
    """Why a reply ended."""

    END = "end"  # the model said so
    STOP = "stop"  # a stop string
    LENGTH = "length"  # max_tokens
    CONTEXT = "context"  # the context is full
    COMPLETE = "complete"  # its constraint is fulfilled, and nothing may follow
    STUCK = "stuck"  # its constraints leave no token
    TIME = "time"  # the seconds allowed are over
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
        most, seconds = self.max_tokens, self.seconds
        if most is not None and (not _number(most, int) or most < 1):
            raise _refused("max_tokens", most, say("Choose 1 or more.", "1 이상으로 고르세요."))
        if seconds is not None and not (_number(seconds, int | float) and seconds > 0):
            fix = say("Choose more than 0.", "0보다 크게 고르세요.")
            raise _refused("seconds", seconds, fix)
        if not isinstance(self.stop, tuple) or not all(isinstance(s, str) for s in self.stop):
            raise _refused("stop", self.stop, say("Give a tuple of str.", "str의 tuple로 주세요."))


def _number(value: object, kind: "type[int] | UnionType") -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return isinstance(value, kind) and math.isfinite(value)


def _refused(name: str, value: object, fix: str) -> OptionError:
    return OptionError(
        say(
            f"{name} cannot be {value!r:.80}.",
            f"{name} 값으로 {value!r:.80}을(를) 쓸 수 없습니다.",
        ),
        "",
        fix,
    )
