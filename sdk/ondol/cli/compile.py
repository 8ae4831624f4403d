"""`ondol compile`: a bundle's static graphs compiled for chips, before it ships."""

from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer

from ondol.cli.facts import megabytes
from ondol.cli.making import bundle_for
from ondol.cli.options import BundleName, Json
from ondol.cli.output import note, progress, show_json, show_table
from ondol.errors import OptionError
from ondol.language import say

COMPILERS = {"qnn": "ondol_runtimes.qnn.compile"}
"""Devices that bundles are compiled for, and the module that does it."""


@dataclass(frozen=True, slots=True)
class CompiledBundle:
    """What was compiled: see ondol_runtimes.qnn.compile.Compiled. Not run on silicon."""

    bundle: str
    device: str
    compiled: tuple[Any, ...]
    run_on_silicon: bool


def compile(
    bundle: BundleName,
    soc: Annotated[
        list[str],
        typer.Option(
            "--soc",
            metavar="NAME[,NAME...]",
            show_default=False,
            help=say(
                "Chips by part number, such as SM8750; may be given several times.",
                "SM8750 같은 칩의 부품 번호. 여러 번 줄 수 있습니다.",
            ),
        ),
    ],
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="qnn",
            help=say("What it is compiled for.", "컴파일할 대상 장치."),
        ),
    ] = "qnn",
    json: Json = False,
) -> None:
    """Compile a bundle for chips."""
    if device not in COMPILERS:
        raise OptionError(
            say(
                f"Nothing is compiled for the device {device!r:.60}.",
                f"{device!r:.60} 장치용 컴파일러는 없습니다.",
            ),
            say(f"Known: {', '.join(COMPILERS)}.", f"아는 장치: {', '.join(COMPILERS)}."),
            "--device qnn",
        )
    names = [name for each in soc for name in each.split(",") if name]
    found = bundle_for(bundle)
    with progress(lambda _: say("Compiling graphs", "그래프 컴파일")) as report:
        made, compiled = import_module(COMPILERS[device]).compile_bundle(found, names, report)
    if json:
        show_json(CompiledBundle(made.name, device, compiled, run_on_silicon=False))
        return
    show_table(
        ("SoC", "HTP", say("files", "파일"), say("size", "크기")),
        [
            (each.soc, f"v{each.htp_version}", ", ".join(each.files), megabytes(each.context_bytes))
            for each in compiled
        ],
    )
    note(
        say(
            f"Not run on silicon. Run them in the emulator: "
            f"ondol chat {made.name} --device qnn:{compiled[0].soc}",
            f"실제 칩에서는 실행하지 않았습니다. 에뮬레이터로 실행: "
            f"ondol chat {made.name} --device qnn:{compiled[0].soc}",
        )
    )
