"""`ondol devices`: what can run a model here, what cannot, and what would change that."""

from dataclasses import dataclass

from ondol.cli.options import Json
from ondol.cli.output import show_json, show_table
from ondol.device import Report, Silicon, State
from ondol.language import say


@dataclass(frozen=True, slots=True)
class Devices:
    """Every device's report, best first."""

    devices: tuple[Report, ...]


def devices(json: Json = False) -> None:
    """List devices."""
    from ondol import registry

    found = Devices(tuple(registry.reports()))
    if json:
        show_json(found)
        return
    show_table(
        (
            say("device", "장치"),
            say("state", "상태"),
            say("run on silicon", "실제 칩에서 실행"),
            say("reason", "이유"),
            say("fix", "해결"),
        ),
        [
            (report.name, _state(report.state), _silicon(report.silicon), report.reason, report.fix)
            for report in found.devices
        ],
    )


def _state(state: State) -> str:
    return {
        State.AVAILABLE: say("available", "사용 가능"),
        State.MISSING_SOFTWARE: say("software missing", "소프트웨어 없음"),
        State.MISSING_HARDWARE: say("hardware missing", "하드웨어 없음"),
        State.UNSUPPORTED: say("unsupported", "지원하지 않음"),
    }[state]


def _silicon(silicon: Silicon) -> str:
    return {
        Silicon.YES: say("yes", "예"),
        Silicon.NO: say("no", "아니요"),
        Silicon.EMULATOR: say("emulator", "에뮬레이터"),
        Silicon.SIMULATOR: say("simulator", "시뮬레이터"),
    }[silicon]
