"""`ondol devices`: what can run a model here, what cannot, and what would change that."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from ondol.cli.options import Json
from ondol.cli.output import show_json, show_table
from ondol.device import Report, Silicon, State
from ondol.errors import OptionError
from ondol.language import say

if TYPE_CHECKING:
    from ondol.choice import Choice


@dataclass(frozen=True, slots=True)
class Devices:
    """Every device's report, best first."""

    devices: tuple[Report, ...]


def devices(
    bundle: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="BUNDLE",
            show_default=False,
            help=say(
                "Say which device runs this bundle, and why no better one does.",
                "이 번들을 실행할 장치와, 더 나은 장치가 아닌 이유를 말합니다.",
            ),
        ),
    ] = None,
    table: Annotated[
        bool,
        typer.Option(
            "--table",
            help=say(
                "Print the Markdown table of the README; nothing is probed.",
                "README의 마크다운 표를 출력합니다. 장치를 확인하지는 않습니다.",
            ),
        ),
    ] = False,
    json: Json = False,
) -> None:
    """List devices."""
    from ondol import registry

    if table and (json or bundle is not None):
        raise OptionError(
            say("--table stands alone.", "--table은 다른 옵션과 함께 쓸 수 없습니다."),
            "",
            "ondol devices --table",
        )
    if table:
        print(device_table())
        return
    if bundle is not None:
        from ondol import store
        from ondol.choice import pick

        choice = pick(store.find(bundle))
        if json:
            show_json(choice)
        else:
            _show_choice(choice)
        return
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
            (
                report.name,
                _state(report.state),
                silicon_word(report.silicon),
                report.reason,
                report.fix,
            )
            for report in found.devices
        ],
    )


def device_table() -> str:
    """The table of our devices in Markdown, from what their runtimes say of themselves."""
    from ondol import registry

    head = (say("device", "장치"), say("what", "내용"), say("run on silicon", "실제 칩에서 실행"))
    lines = [f"| {' | '.join(head)} |", "|---|---|---|"]
    for name in registry.DEVICES:
        runtime = registry.runtime(name)
        row = (f"`{name}`", say(*runtime.about), silicon_word(runtime.silicon))
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def _show_choice(choice: "Choice") -> None:
    show_table(
        (say("device", "장치"), say("chosen", "선택"), say("reason", "이유"), say("fix", "해결")),
        [
            *((each.device, say("no", "아니요"), each.reason, each.fix) for each in choice.passed),
            (choice.device, say("yes", "예"), choice.reason, ""),
        ],
    )


def _state(state: State) -> str:
    return {
        State.AVAILABLE: say("available", "사용 가능"),
        State.MISSING_SOFTWARE: say("software missing", "소프트웨어 없음"),
        State.MISSING_HARDWARE: say("hardware missing", "하드웨어 없음"),
        State.UNSUPPORTED: say("unsupported", "지원하지 않음"),
        State.TIMED_OUT: say("timed out", "시간 초과"),
    }[state]


def silicon_word(silicon: Silicon) -> str:
    """On what a device was run, in the user's language."""
    return {
        Silicon.YES: say("yes", "예"),
        Silicon.NO: say("no", "아니요"),
        Silicon.EMULATOR: say("emulator", "에뮬레이터"),
        Silicon.SIMULATOR: say("simulator", "시뮬레이터"),
    }[silicon]
