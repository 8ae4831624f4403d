"""How a bundle's speed holds over minutes: the first beside the last, with heat, clock, battery."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ondol.bench import TEXT
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import OptionError
from ondol.governor import Governor
from ondol.language import say
from ondol.plan import usable_cores
from ondol.sensors import Reading, Sensors

WINDOW_SECONDS = 60.0
PROMPT_TOKENS = 64
LONGEST = 24 * 3600.0

Seconds = Callable[[], float]
Progress = Callable[[float, float], None]
"""Called with seconds done and seconds in all."""


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time: tokens a second, and means of what was read; None: the system was silent.

    `battery` is in percent at its end.
    """

    start_seconds: float
    seconds: float
    tokens: int
    rate: float
    temperature: float | None
    frequency: float | None
    battery: float | None


@dataclass(frozen=True, slots=True)
class Change:
    """What the governor did: when, how many threads from then on, the rest a token, and why."""

    seconds: float
    threads: int
    rest_seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Sustained:
    """A run of so many seconds. `held` is the last window's rate beside the first one's."""

    model: str
    device: str
    threads: int
    seconds: float
    tokens: int
    first: Window
    last: Window
    held: float
    changes: tuple[Change, ...]


def sustain(
    bundle: Bundle,
    device: str,
    seconds: float,
    sensors: Sensors,
    *,
    threads: int | None = None,
    governor: Governor | None = None,
    progress: Progress | None = None,
    record: Callable[[Reading], None] | None = None,
    clock: Seconds = time.monotonic,
) -> Sustained:
    """Decode without end, and compare the first minute with the last.

    Args:
        bundle: a decoder.
        device: by name.
        seconds: how long; of less than two minutes the first and the last half are compared.
        sensors: read once a second.
        threads: None: as many as there are cores.
        governor: acts as it would in an engine; None: nobody does.
        progress: told of seconds.
        record: given every reading.
        clock: seconds, ever growing.

    Raises:
        OptionError: if it is to take no time, or more than a day.
        BundleError, DeviceError: if the bundle cannot be opened.
    """
    if not 0 < seconds <= LONGEST:
        raise OptionError(
            say(f"{seconds:g} s cannot be sustained.", f"{seconds:g}초 동안 잴 수 없습니다."),
            "",
            "--sustained 10m",
        )
    window = min(WINDOW_SECONDS, seconds / 2)
    marks: list[float] = []
    seen: list[tuple[float, Reading]] = []
    with Engine.open(bundle, device=device, threads=threads, governor=governor) as engine:
        prompt = engine.tokenizer.encode(TEXT)[: min(PROMPT_TOKENS, engine.session.context // 2)]
        token = int(engine._append(prompt).argmax())
        start = now = clock()
        while now - start < seconds:
            if engine.session.length >= engine.session.context:
                engine._keep(len(prompt))
            token = int(engine._append([token]).argmax())
            now = clock()
            marks.append(now - start)
            if not seen or now - start - seen[-1][0] >= 1.0:
                seen.append((now - start, sensors.read()))
                if record is not None:
                    record(seen[-1][1])
                if progress is not None:
                    progress(min(now - start, seconds), seconds)
    if progress is not None:
        progress(seconds, seconds)
    first = _window(0.0, window, marks, seen)
    last = _window(max(marks[-1], seconds) - window, window, marks, seen)
    return Sustained(
        bundle.name,
        device,
        threads or usable_cores(),
        marks[-1],
        len(marks),
        first,
        last,
        last.rate / first.rate if first.rate else 0.0,
        _changes(governor),
    )


def _window(
    start: float, length: float, marks: list[float], seen: list[tuple[float, Reading]]
) -> Window:
    tokens = sum(start < mark <= start + length for mark in marks)
    there = [reading for at, reading in seen if start <= at <= start + length]
    batteries = [each.battery for each in there if each.battery is not None]
    return Window(
        start,
        length,
        tokens,
        tokens / length,
        _mean([each.temperature for each in there]),
        _mean([each.frequency for each in there]),
        batteries[-1] if batteries else None,
    )


def _mean(values: list[float | None]) -> float | None:
    said = [value for value in values if value is not None]
    return sum(said) / len(said) if said else None


def _changes(governor: Governor | None) -> tuple[Change, ...]:
    return tuple(
        Change(reading.seconds, action.threads, action.rest_seconds, action.reason)
        for reading, action in (governor.actions if governor else ())
    )
