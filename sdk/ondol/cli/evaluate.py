"""`ondol evaluate`: how good a bundle is, here and now, beside its unquantised source."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ondol.cli.choosing import chosen
from ondol.cli.measured import show_quality
from ondol.cli.options import Device, Json, Threads
from ondol.cli.output import note, progress, show_json
from ondol.language import say

if TYPE_CHECKING:
    from ondol.bundle import Bundle
    from ondol.evaluation.measuring import Wanted
    from ondol.quality import Quality


def evaluate(
    bundle: Annotated[
        str,
        typer.Argument(
            metavar="BUNDLE",
            help=say(
                "A bundle's name or folder, or a starter's name.",
                "번들의 이름이나 폴더, 또는 기본 모델의 이름.",
            ),
        ),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="SOURCE",
            show_default=False,
            help=say(
                "What it was made from (GGUF, folder, starter): it is converted to float32 for "
                "the time of the comparison. Or another bundle.",
                "번들을 만든 원본(GGUF, 폴더, 기본 모델). 비교하는 동안만 float32로 변환해 둡니다. "
                "다른 번들을 주어도 됩니다.",
            ),
        ),
    ] = None,
    text: Annotated[
        list[Path] | None,
        typer.Option(
            "--text",
            metavar="FILE",
            show_default=False,
            help=say(
                "Score this text instead of Ondol's own; may be given several times.",
                "온돌의 글 대신 이 글로 잽니다. 여러 번 줄 수 있습니다.",
            ),
        ),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            "--task",
            metavar="FILE",
            show_default=False,
            help=say(
                "Answer the multiple-choice items of this JSONL file ('ondol': our own sample).",
                "이 JSONL 파일의 객관식 문항을 풉니다('ondol'은 온돌의 표본 문항).",
            ),
        ),
    ] = None,
    shots: Annotated[
        int,
        typer.Option(
            "--shots",
            metavar="N",
            help=say("Solved examples before each item.", "문항마다 앞에 보여 줄 예시의 수."),
        ),
    ] = 0,
    seed: Annotated[
        int,
        typer.Option(
            "--seed", metavar="N", min=0, help=say("Draws the examples.", "예시를 고르는 씨앗값.")
        ),
    ] = 0,
    calibrations: Annotated[
        bool,
        typer.Option(
            "--calibrations",
            help=say(
                "Quantise the source to 4 bits with Korean and with English text as well, and "
                "compare the two. Takes minutes.",
                "원본을 한국어 글로, 또 영어 글로 보정해 4비트로 양자화하고 둘을 비교합니다. "
                "몇 분 걸립니다.",
            ),
        ),
    ] = False,
    device: Device = None,
    threads: Threads = None,
    save: Annotated[
        bool,
        typer.Option(
            "--save",
            help=say(
                "Put the result into the bundle's quality.json.",
                "결과를 번들의 quality.json에 넣습니다.",
            ),
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Measure how good a bundle is."""
    from ondol.cli import against as sources
    from ondol.cli.making import bundle_for, stage_title
    from ondol.evaluation.measuring import measure
    from ondol.evaluation.saving import check_saveable

    wanted = _wanted(text, task, against, (shots, seed), threads)
    found = bundle_for(bundle)
    wanted = replace(wanted, device=chosen(found, device))
    if save:
        check_saveable(found)
    compared = sources.calibrations(against, found) if calibrations else ()
    with ExitStack() as stack:
        source = stack.enter_context(sources.source_bundle(against, found)) if against else None
        with progress(stage_title) as report:
            quality = measure(found, source, wanted, report)
    quality = replace(quality, calibrations=compared)
    if save:
        quality = _saved(found, quality)
    if json:
        show_json(quality)
        return
    show_quality(found.name, quality)
    if not against and not task:
        note(
            say(
                f"Beside the unquantised source: ondol evaluate {bundle} --against SOURCE",
                f"양자화하기 전의 원본과 비교하기: ondol evaluate {bundle} --against SOURCE",
            )
        )


def _wanted(
    texts: list[Path] | None,
    tasks: list[str] | None,
    against: str | None,
    drawn: tuple[int, int],
    threads: int | None,
) -> "Wanted":
    """What was named is measured; where nothing was, all that needs no file."""
    from ondol.evaluation.measuring import Wanted
    from ondol.evaluation.tasks import read_task
    from ondol.evaluation.text import evaluation_texts, read_texts

    named = bool(texts or tasks)
    chosen = read_texts(texts) if texts else evaluation_texts()
    return Wanted(
        threads=threads,
        texts=chosen if texts or against or not named else (),
        generation=not named,
        tasks=tuple(read_task(path) for path in tasks or ()),
        shots=drawn[0],
        seed=drawn[1],
    )


def _saved(bundle: "Bundle", quality: "Quality") -> "Quality":
    from ondol.evaluation.saving import save_quality
    from ondol.quality import quality_of

    before = quality_of(bundle)
    whole = before.updated(quality) if before else quality
    save_quality(bundle, whole)
    note(say(f"Saved in {bundle.path}.", f"저장했습니다: {bundle.path}"))
    return whole
