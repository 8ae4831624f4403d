"""Heat, clock and battery of this machine, where the system says; what it does not say is None.

Linux: Documentation/ABI/testing/sysfs-class-thermal, -power and cpu-freq of its sources. Other
systems say nothing here.
"""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from ondol.errors import BadText
from ondol.language import say
from ondol.strict import build, load

PLAUSIBLE = (-40.0, 200.0)  # degrees; some zones without a sensor say -274 or 65535


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the machine: seconds since the first, and what the system said.

    `temperature` is the hottest zone's in degrees Celsius, `frequency` the mean of the cores in
    MHz, `battery` in percent; `charging` says that it is on mains.
    """

    seconds: float
    temperature: float | None = None
    frequency: float | None = None
    battery: float | None = None
    charging: bool | None = None


class Sensors(Protocol):
    """Anything that can be read."""

    def read(self) -> Reading:
        """The machine now."""
        ...


class SystemSensors:
    """What Linux says below `/sys`.

    Args:
        root: where that is.
        clock: seconds, ever growing.
    """

    def __init__(
        self, root: Path = Path("/sys"), clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._root = root
        self._clock = clock
        self._start = clock()

    def read(self) -> Reading:
        """The machine now; never raises for a file that is not there or says nonsense."""
        battery, charging = self._battery()
        zones = [each / 1000 for each in self._numbers("class/thermal/thermal_zone*/temp")]
        heat = [each for each in zones if PLAUSIBLE[0] < each < PLAUSIBLE[1]]
        clocks = list(self._numbers("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"))
        return Reading(
            self._clock() - self._start,
            max(heat, default=None),
            sum(clocks) / len(clocks) / 1000 if clocks else None,
            battery,
            charging,
        )

    def _numbers(self, pattern: str) -> Iterator[float]:
        for path in sorted(self._root.glob(pattern)):
            try:
                yield float(_text(path))
            except ValueError:
                continue

    def _battery(self) -> tuple[float | None, bool | None]:
        for supply in sorted(self._root.glob("class/power_supply/*")):
            # a mouse has a battery too: its scope is Device
            if _text(supply / "type") != "Battery" or _text(supply / "scope") == "Device":
                continue
            try:
                percent = float(_text(supply / "capacity"))
            except ValueError:
                continue
            if 0 <= percent <= 100:
                return percent, _text(supply / "status") != "Discharging"
        return None, None


class TraceSensors:
    """A trace that was recorded, read again line by line; the last line stays.

    Raises:
        BadText: if a line is none that `line` wrote, naming it.
    """

    def __init__(self, path: Path) -> None:
        self._readings = list(readings(path))
        self._next = 0

    def read(self) -> Reading:
        """The next line of the trace."""
        at = min(self._next, len(self._readings) - 1)
        self._next += 1
        return self._readings[at]


def line(reading: Reading) -> str:
    """A reading as one line of a trace."""
    return json.dumps(asdict(reading)) + "\n"


def readings(path: Path) -> Iterator[Reading]:
    """The readings of a trace: JSON, one a line.

    Raises:
        BadText: if it cannot be read, is empty, or a line is no reading.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as exc:
        raise _bad(path, f"{exc.strerror}") from exc
    if not lines:
        raise _bad(path, say("It is empty.", "비어 있습니다."))
    for number, text in enumerate(lines, 1):
        try:
            yield build(Reading, load(text, 1 << 12), f"{path.name}:{number}", least=-1e3)
        except ValueError as exc:
            raise _bad(path, str(exc)) from exc


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii", errors="replace").strip()
    except OSError:  # a zone that is asleep says EAGAIN, one without a sensor ENODATA
        return ""


def _bad(path: Path, why: str) -> BadText:
    return BadText(
        say(f"{path.name} is no trace.", f"{path.name}은(는) 기록 파일이 아닙니다."),
        why,
        "ondol bench BUNDLE --sustained 10m --record FILE",
    )
