"""Whether a model can answer here, why not, and what would change that; it never raises."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ondol.errors import (
    BundleNotFound,
    DeviceError,
    MissingExtra,
    NotEnoughMemory,
    OndolError,
    OptionError,
    PolicyForbids,
    SessionClosed,
)
from ondol.language import say


class Readiness(StrEnum):
    """What an assistant is waiting for, if anything."""

    READY = "ready"
    UNPREPARED = "unprepared"  # the starter is installed; the first reply converts it, once
    NO_MODEL = "no-model"
    NOT_INSTALLED = "not-installed"  # weights, or a package
    FORBIDDEN = "forbidden"  # by this machine's policy
    NO_DEVICE = "no-device"
    NO_MEMORY = "no-memory"
    MISUSED = "misused"  # an option that cannot be met
    BROKEN = "broken"  # the bundle, or something nobody foresaw
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Availability:
    """The state, the reason in a sentence, and what would help; the remedy is empty when ready."""

    state: Readiness
    reason: str
    remedy: str = ""

    def __bool__(self) -> bool:
        return self.state is Readiness.READY

    def __str__(self) -> str:
        return " ".join(filter(None, (self.reason, self.remedy)))


_STATES: tuple[tuple[type[OndolError], Readiness], ...] = (
    (BundleNotFound, Readiness.NO_MODEL),
    (PolicyForbids, Readiness.FORBIDDEN),
    (MissingExtra, Readiness.NOT_INSTALLED),
    (NotEnoughMemory, Readiness.NO_MEMORY),
    (DeviceError, Readiness.NO_DEVICE),
    (OptionError, Readiness.MISUSED),
    (OndolError, Readiness.BROKEN),
)


def availability(look: Callable[[], Availability]) -> Availability:
    """What `look` finds; whatever it raises is what it found."""
    try:
        return look()
    except OndolError as exc:
        state = next(state for kind, state in _STATES if isinstance(exc, kind))
        return Availability(state, " ".join(filter(None, (exc.what, exc.why))), exc.fix)
    except Exception as exc:  # an interface asks this to decide what it shows, whatever is wrong
        reason = say("It cannot be looked at", "살펴볼 수 없습니다")
        remedy = say("Look with: ondol models, ondol devices", "확인: ondol models, ondol devices")
        return Availability(Readiness.BROKEN, f"{reason}: {type(exc).__name__}: {exc}", remedy)


def ready(model: str, device: str) -> Availability:
    """A model that answers on a device."""
    reason = say(f"{model} answers on {device}.", f"{model}이(가) {device} 장치에서 답합니다.")
    return Availability(Readiness.READY, reason)


def unprepared(model: str) -> Availability:
    """A starter that is installed and was never converted."""
    return Availability(
        Readiness.UNPREPARED,
        say(
            f"{model} is installed and not prepared yet.",
            f"{model}이(가) 설치되어 있으나 아직 준비되지 않았습니다.",
        ),
        say(
            f"prewarm() prepares it once, in minutes; so does: ondol convert {model}",
            f"prewarm()이 한 번 준비하며 몇 분 걸립니다. 명령으로는: ondol convert {model}",
        ),
    )


def closed() -> SessionClosed:
    """The error of an assistant that was closed."""
    return SessionClosed(
        say("The assistant is closed.", "이미 닫힌 어시스턴트입니다."),
        say("close() was called before.", "앞서 close()가 호출되었습니다."),
        say("Make a new one: Assistant()", "새로 만드세요: Assistant()"),
    )
