"""The governor over a trace in the recorder's own format.

`fixtures/heat.jsonl` is what `ondol bench --sustained --record` writes, for a phone that heats up,
cools down and runs out of battery. Its numbers are made up: no machine of ours tells its heat.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ondol.engine import Engine
from ondol.errors import OptionError
from ondol.governor import Governor, GovernorPolicy
from ondol.reply import Finish, Limits
from ondol.sensors import Reading, TraceSensors, readings
from ondol.sustained import sustain
from tiny_models import Tiny

TRACE = Path(__file__).parents[1] / "fixtures" / "heat.jsonl"
POLICY = GovernorPolicy()


class Many:
    """Sensors that say the same for ever."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.reads = 0

    def read(self) -> Reading:
        self.reads += 1
        return self.reading


def over_the_trace(policy: GovernorPolicy = POLICY) -> Governor:
    governor = Governor(policy, TraceSensors(TRACE))
    governor.begin(8)
    for reading in readings(TRACE):
        governor.look(reading.seconds)
    return governor


def test_threads_follow_heat_down_and_up_again() -> None:
    changes = over_the_trace().actions
    warm = next(i for i, (r, _) in enumerate(changes) if r.temperature and r.temperature >= 80)
    assert warm == 0, "nothing is done before it is warm"
    threads = [action.threads for _, action in changes]
    lowest = threads.index(1)
    assert threads[:lowest] == sorted(threads[:lowest], reverse=True)
    assert 8 in threads[lowest:], "it cools down, and all threads run again"
    for reading, action in changes:
        if action.rest_seconds:
            hot = reading.temperature is not None and reading.temperature >= POLICY.hot_celsius
            assert hot or (reading.battery is not None and reading.battery <= POLICY.empty_percent)


def test_threads_change_no_more_often_than_they_settle() -> None:
    times, last = [], 8
    for reading, action in over_the_trace().actions:
        if action.threads != last:
            times.append(reading.seconds)
            last = action.threads
    assert len(times) >= 4
    pairs = zip(times[1:], times[:-1], strict=True)
    assert all(later - sooner >= POLICY.settle_seconds for later, sooner in pairs)


def test_a_battery_that_runs_down_halves_and_then_rests() -> None:
    ends = [action for r, action in over_the_trace().actions if r.battery and r.battery <= 20]
    assert ends[0].threads == 4 and "20 %" in ends[0].reason
    assert ends[-1].threads == 1 and ends[-1].rest_seconds == POLICY.rest_seconds


@pytest.mark.parametrize(
    "reading",
    [
        Reading(0.0),
        Reading(0.0, 60.0, 2000.0, 5.0, True),
        Reading(0.0, 79.9),
        Reading(0.0, None, None, 21.0, False),
    ],
)
def test_what_asks_for_nothing(reading: Reading) -> None:
    governor = Governor(POLICY, Many(reading))
    governor.begin(4)
    action = governor.decide(reading)
    assert (action.threads, action.rest_seconds, action.reason) == (4, 0.0, "")


def test_the_machine_is_read_as_often_as_the_policy_says() -> None:
    sensors = Many(Reading(0.0, 95.0))
    governor = Governor(replace(POLICY, check_seconds=2.0), sensors)
    governor.begin(2)
    actions = [governor.look(at / 2) for at in range(8)]
    assert sensors.reads == 2 and len(governor.actions) == 1
    assert all(action.rest_seconds == POLICY.rest_seconds for action in actions)


def test_the_least_number_of_threads_is_never_more_than_there_were() -> None:
    governor = Governor(replace(POLICY, least_threads=4), Many(Reading(0.0)))
    governor.begin(2)
    assert governor.decide(Reading(0.0, 99.0, None, 1.0, False)).threads == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"cool_celsius": 80.0},
        {"hot_celsius": 75.0},
        {"low_percent": 10.0},
        {"low_percent": 101.0},
        {"empty_percent": -1.0},
        {"least_threads": 0},
        {"rest_seconds": 61.0},
        {"rest_seconds": -1.0},
        {"check_seconds": -1.0},
        {"warm_celsius": float("nan")},
    ],
)
def test_a_policy_that_contradicts_itself(changes: dict[str, Any]) -> None:
    with pytest.raises(OptionError, match="contradicts"):
        replace(POLICY, **changes)


def heated(temperature: float) -> Governor:
    eager = replace(POLICY, rest_seconds=0.0, settle_seconds=0.0, check_seconds=0.0)
    return Governor(eager, Many(Reading(0.0, temperature)))


def test_an_engine_goes_on_with_fewer_threads(tiny: Tiny) -> None:
    bundle, limits = tiny("llama3", "float32"), Limits(max_tokens=20)
    with Engine.open(bundle, device="cpu", threads=2) as engine:
        wanted = engine.reply("abc", limits=limits).read()
        assert engine.threads == 2
    governor = heated(85.0)
    with Engine.open(bundle, device="cpu", threads=2, governor=governor) as engine:
        reply = engine.reply("abc", limits=limits)
        pieces = [next(reply)]
        assert engine.threads == 1 and governor.actions[0][1].threads == 1
        governor._sensors = Many(Reading(9.0, 20.0))
        pieces += list(reply)
        assert engine.threads == 2, "cool again"
    assert "".join(pieces) == wanted and reply.finish is Finish.LENGTH


def test_a_reply_that_rests_can_be_cancelled(tiny: Tiny) -> None:
    patient = replace(POLICY, rest_seconds=60.0, check_seconds=0.0)
    sensors = Many(Reading(0.0, 20.0))
    with Engine.open(tiny("llama3"), device="null", governor=Governor(patient, sensors)) as engine:
        reply = engine.reply("abc")
        next(reply)
        sensors.reading = Reading(1.0, 95.0)
        reply.cancel()
        assert list(reply) in ([], [""]) or reply.finish is Finish.CANCELLED


def ticks(step: float) -> Iterator[float]:
    at = 0.0
    while True:
        yield at
        at += step


def test_the_first_minute_beside_the_last(tiny: Tiny) -> None:
    kept: list[Reading] = []
    told: list[tuple[float, float]] = []
    governor = Governor(replace(POLICY, rest_seconds=0.0, check_seconds=0.0), TraceSensors(TRACE))
    found = sustain(
        tiny("llama3"),
        "null",
        300.0,
        TraceSensors(TRACE),
        threads=4,
        governor=governor,
        progress=lambda done, total: told.append((done, total)),
        record=kept.append,
        clock=ticks(0.5).__next__,
    )
    assert (found.tokens, found.threads, found.device) == (600, 4, "null")
    assert found.first.tokens == found.last.tokens == 120 and found.held == 1.0
    assert found.first.temperature and found.last.temperature
    assert found.last.temperature > found.first.temperature
    assert found.first.battery and found.last.battery and found.last.battery < found.first.battery
    assert kept == list(readings(TRACE))[: len(kept)] and len(kept) == 300
    assert told[-1] == (300.0, 300.0) and [done for done, _ in told] == sorted(d for d, _ in told)
    assert found.changes and found.changes[0].threads < 4


def test_a_short_run_compares_its_halves(tiny: Tiny) -> None:
    found = sustain(tiny("llama3"), "null", 10.0, Many(Reading(0.0)), clock=ticks(0.25).__next__)
    assert (found.first.seconds, found.last.start_seconds) == (5.0, 5.0)
    assert found.first.temperature is None and found.last.battery is None and found.changes == ()


@pytest.mark.parametrize("seconds", [0.0, -1.0, 86_401.0, float("nan"), float("inf")])
def test_a_time_that_cannot_be(seconds: float, tiny: Tiny) -> None:
    with pytest.raises(OptionError, match="sustained"):
        sustain(tiny("llama3"), "null", seconds, Many(Reading(0.0)))
