"""Fewer threads, or rests between tokens, where the machine gets hot or its battery runs down.

A session's threads are fixed when it is opened, so that lowering them opens it again and runs the
tokens it held once more: worth it only now and then (`settle_seconds`). A rest costs nothing else,
so that is what real heat gets at once.
"""

from dataclasses import dataclass

from ondol.errors import OptionError
from ondol.language import say
from ondol.sensors import Reading, Sensors


@dataclass(frozen=True, slots=True)
class GovernorPolicy:
    """When a governor acts, and how far it goes.

    From `warm_celsius` threads are halved, every `settle_seconds` again, down to `least_threads`;
    below `cool_celsius` they are doubled again. From `hot_celsius` every token is preceded by a
    rest of `rest_seconds`. On battery, at most half the threads run from `low_percent` down, and
    the least number, with rests, from `empty_percent` down. The machine is looked at every
    `check_seconds`.

    Raises:
        OptionError: if these contradict each other.
    """

    cool_celsius: float = 70.0
    warm_celsius: float = 80.0
    hot_celsius: float = 90.0
    low_percent: float = 20.0
    empty_percent: float = 10.0
    least_threads: int = 1
    rest_seconds: float = 0.5
    settle_seconds: float = 20.0
    check_seconds: float = 1.0

    def __post_init__(self) -> None:
        ordered = self.cool_celsius < self.warm_celsius < self.hot_celsius
        drained = 0 <= self.empty_percent < self.low_percent <= 100
        timed = 0 <= self.rest_seconds <= 60 and min(self.settle_seconds, self.check_seconds) >= 0
        if not (ordered and drained and timed and self.least_threads >= 1):
            raise OptionError(
                say("This policy contradicts itself.", "서로 모순되는 정책입니다."),
                f"{self}",
                say(
                    "cool < warm < hot; empty < low; rest of 0 to 60 s; 1 thread or more",
                    "cool < warm < hot, empty < low, rest 0~60초, 스레드 1개 이상",
                ),
            )


@dataclass(frozen=True, slots=True)
class Action:
    """What to do before the next token: so many threads, a rest in seconds, and why."""

    threads: int
    rest_seconds: float
    reason: str


class Governor:
    """Follows one machine while one engine runs; not for two engines.

    Args:
        policy: when to act.
        sensors: what is read.

    Attributes:
        actions: every change of threads or of resting, with its reading, the first one first.
    """

    def __init__(self, policy: GovernorPolicy, sensors: Sensors) -> None:
        self.policy = policy
        self.actions: list[tuple[Reading, Action]] = []
        self._sensors = sensors
        self._most = self._threads = 0
        self._changed = float("-inf")
        self._looked = float("-inf")
        self._last = Action(0, 0.0, "")

    def begin(self, threads: int) -> None:
        """Take over a session that was opened with so many threads."""
        self._most = self._threads = threads
        self._last = Action(threads, 0.0, "")

    def look(self, now: float) -> Action:
        """What to do now, in seconds of any clock; the machine is read as often as the policy says.

        A rest holds until the next reading.
        """
        if now - self._looked < self.policy.check_seconds:
            return self._last
        self._looked = now
        reading = self._sensors.read()
        action = self.decide(reading)
        if (action.threads, action.rest_seconds) != (self._last.threads, self._last.rest_seconds):
            self.actions.append((reading, action))
        self._last = action
        return action

    def decide(self, reading: Reading) -> Action:
        """What a reading asks for; what the system does not say asks for nothing."""
        policy, heat = self.policy, reading.temperature
        wanted, why = self._wanted(heat), ""
        cap, drained = self._cap(reading)
        wanted = min(wanted, cap)
        settled = reading.seconds - self._changed >= policy.settle_seconds
        if wanted != self._threads and settled:
            self._threads, self._changed = wanted, reading.seconds
        hot = heat is not None and heat >= policy.hot_celsius
        if heat is not None and heat >= policy.warm_celsius:
            why = say(f"{heat:.0f} °C", f"{heat:.0f}도")
        elif drained or cap < self._most:
            why = say(f"battery at {reading.battery:.0f} %", f"배터리 {reading.battery:.0f}%")
        return Action(self._threads, policy.rest_seconds if hot or drained else 0.0, why)

    def _wanted(self, heat: float | None) -> int:
        if heat is not None and heat >= self.policy.warm_celsius:
            return max(min(self.policy.least_threads, self._most), self._threads // 2)
        if heat is None or heat < self.policy.cool_celsius:
            return min(self._most, self._threads * 2)
        return self._threads

    def _cap(self, reading: Reading) -> tuple[int, bool]:
        """The most threads that the battery allows, and whether it is nearly empty."""
        if reading.battery is None or reading.charging:
            return self._most, False
        least = min(self.policy.least_threads, self._most)
        if reading.battery <= self.policy.empty_percent:
            return least, True
        if reading.battery <= self.policy.low_percent:
            return max(least, self._most // 2), False
        return self._most, False
