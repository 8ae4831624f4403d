"""`ondol bench --sustained`: the first minute beside the last."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ondol.bundle import Bundle
from ondol.cli.output import note, progress, show_json, show_pairs, show_table
from ondol.errors import OptionError
from ondol.files import replaced_file
from ondol.language import say

if TYPE_CHECKING:
    from ondol.sensors import Reading
    from ondol.sustained import Sustained, Window

DURATION = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(s|m|h)")
UNITS = {"s": 1, "m": 60, "h": 3600}


def duration(text: str) -> float:
    """Seconds of `90s`, `10m` or `1h`.

    Raises:
        OptionError: if it is none of these.
    """
    found = DURATION.fullmatch(text)
    if found is None:
        raise OptionError(
            say(f"{text!r} is no duration.", f"{text!r}은(는) 시간이 아닙니다."),
            say("A number with s, m or h.", "숫자에 s, m, h를 붙입니다."),
            "--sustained 10m",
        )
    return float(found[1]) * UNITS[found[2]]


def run_sustained(
    bundle: Bundle,
    device: str,
    threads: int | None,
    seconds: float,
    governed: bool,
    record: Path | None,
    json: bool,
) -> None:
    """Run, and print the two minutes and what the governor did."""
    from ondol.governor import Governor, GovernorPolicy
    from ondol.sensors import SystemSensors, line
    from ondol.sustained import sustain

    sensors = SystemSensors()
    governor = Governor(GovernorPolicy(), SystemSensors()) if governed else None
    with ExitStack() as stack:
        file = stack.enter_context(replaced_file(record)) if record is not None else None

        def keep(reading: "Reading") -> None:
            if file is not None:
                file.write(line(reading).encode())

        bars = stack.enter_context(progress(lambda _: say("Sustaining", "계속 실행하는 중")))
        found = sustain(
            bundle,
            device,
            seconds,
            sensors,
            threads=threads,
            governor=governor,
            progress=lambda done, total: bars("sustain", int(done), int(total) or 1),
            record=keep,
        )
    if json:
        show_json(found)
    else:
        _show(found)


def _show(found: "Sustained") -> None:
    show_table(
        (
            f"{found.model} · {found.device}",
            say("tokens/s", "토큰/초"),
            say("temperature", "온도"),
            say("frequency", "주파수"),
            say("battery", "배터리"),
        ),
        [
            _row(
                say(f"first {found.first.seconds:.0f} s", f"처음 {found.first.seconds:.0f}초"),
                found.first,
            ),
            _row(
                say(f"last {found.last.seconds:.0f} s", f"마지막 {found.last.seconds:.0f}초"),
                found.last,
            ),
        ],
    )
    show_pairs(
        "",
        (
            (say("held", "유지"), f"{found.held:.2f}×"),
            (say("tokens", "토큰"), f"{found.tokens:,}"),
            *(
                (
                    say(f"governor, {each.seconds:.0f} s", f"조절기, {each.seconds:.0f}초"),
                    say(
                        f"{each.threads} threads, rests of {each.rest_seconds:g} s: {each.reason}",
                        f"스레드 {each.threads}개, 휴식 {each.rest_seconds:g}초: {each.reason}",
                    ),
                )
                for each in found.changes
            ),
        ),
    )
    if found.first.temperature is None and found.last.temperature is None:
        note(say("The system tells no temperature.", "이 시스템은 온도를 알려 주지 않습니다."))


def _row(title: str, window: "Window") -> tuple[str, ...]:
    return (
        title,
        f"{window.rate:.1f}",
        _said(window.temperature, "°C"),
        _said(window.frequency, "MHz"),
        _said(window.battery, "%"),
    )


def _said(value: float | None, unit: str) -> str:
    return say("not told", "알 수 없음") if value is None else f"{value:.0f} {unit}"
