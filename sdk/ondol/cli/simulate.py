"""`ondol simulate`: what processing in memory would do, by a model of it. Nothing is measured."""

import re
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from ondol.cli.estimated import ESTIMATORS, show_estimate
from ondol.cli.options import Json
from ondol.cli.output import note, show_json
from ondol.cli.simulated import show_decode, show_product, show_terms
from ondol.errors import OptionError
from ondol.files import write_whole
from ondol.language import say
from ondol.preparing import converters

SIMULATORS = {"aim": "ondol_runtimes.aim"}
"""Devices that are simulated, and the package that does it."""

SHAPE = re.compile(r"([0-9]{1,12})[xX×]([0-9]{1,12})")


def simulate(
    bundle: Annotated[
        str | None,
        typer.Argument(
            metavar="[BUNDLE]",
            show_default=False,
            help=say(
                "A bundle whose decode is simulated, by its name, folder or .ondol file.",
                "디코드를 모의할 번들의 이름, 폴더 또는 .ondol 파일.",
            ),
        ),
    ] = None,
    gemv: Annotated[
        str | None,
        typer.Option(
            "--gemv",
            metavar="ROWSxCOLUMNS",
            show_default=False,
            help=say(
                "Simulate one matrix-vector product instead of a bundle.",
                "번들 대신 행렬-벡터 곱 하나를 모의합니다.",
            ),
        ),
    ] = None,
    device: Annotated[
        str,
        typer.Option(
            "--device",
            metavar="NAME",
            help=say(
                "The simulated device; furiosa: its compiler's estimate of a product.",
                "모의할 장치. furiosa는 그 컴파일러가 추정한 행렬 곱.",
            ),
        ),
    ] = "aim",
    channels: Annotated[
        int,
        typer.Option(
            "--channels",
            metavar="N",
            help=say("Channels of the memory, 1 to 32.", "메모리의 채널 수(1~32)."),
        ),
    ] = 32,
    context: Annotated[
        int | None,
        typer.Option(
            "--context",
            metavar="N",
            show_default=False,
            help=say(
                "Tokens that attention looks back on; otherwise 1024, or all there can be.",
                "어텐션이 돌아보는 토큰 수. 없으면 1024 또는 번들의 한도.",
            ),
        ),
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            "--trace",
            metavar="FILE",
            show_default=False,
            help=say(
                "With --gemv: write its instructions in the AiM simulator's text format.",
                "--gemv의 명령을 AiM 시뮬레이터의 텍스트 형식으로 씁니다.",
            ),
        ),
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option(
            "--chart",
            metavar="FILE.png|FILE.svg",
            show_default=False,
            help=say("Draw the roofline.", "루프라인 차트를 그립니다."),
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Simulate a product or a bundle's decode."""
    if device in ESTIMATORS:
        if gemv is None or any(each is not None for each in (bundle, context, trace, chart)):
            raise _wrong(
                say(
                    f"Of {device}, only a product is estimated.",
                    f"{device} 장치는 행렬 곱 하나만 추정합니다.",
                )
            )
        show_estimate(device, *_shape(gemv), json=json)
        return
    package = _simulator(device)
    if (bundle is None) == (gemv is None):
        raise _wrong(
            say("Name a bundle, or one product, not both.", "번들과 행렬 곱 가운데 하나만 쓰세요.")
        )
    if bundle is not None and trace is not None:
        raise _wrong(say("--trace belongs to --gemv.", "--trace는 --gemv와 함께 씁니다."))
    if gemv is not None and context is not None:
        raise _wrong(say("--context belongs to a bundle.", "--context는 번들과 함께 씁니다."))
    if chart is not None:
        import_module(f"{package}.chart").check_chart(chart)
    report = import_module(f"{package}.report")
    if gemv is not None:
        rows, columns = _shape(gemv)
        made = report.of_product(rows, columns, channels)
        shapes, title = [(rows, columns)], "one product"
    else:
        from ondol import store

        found = store.find(str(bundle))
        with converters():
            made = report.of_decode(found, channels, context)
        shapes, title = [(step.rows, step.columns) for step in made.steps], found.name
    if trace is not None:
        product = import_module(f"{package}.mapping").Gemv(*shapes[0], channels)
        lines = import_module(f"{package}.trace").lines(product)
        write_whole(trace, "".join(f"{line}\n" for line in lines).encode("ascii"))
    if chart is not None:
        import_module(f"{package}.chart").draw(chart, title, shapes, channels)
    if json:
        show_json(made)
        return
    show_product(made) if gemv is not None else show_decode(made)
    show_terms(made)
    for path in filter(None, (trace, chart)):
        note(say(f"Written, simulated: {path}", f"파일(모의): {path}"))


def _simulator(device: str) -> str:
    if device not in SIMULATORS:
        from ondol import registry

        registry.runtime(device)  # unknown: says which device was meant
        raise OptionError(
            say(f"The device {device} is not simulated.", f"{device}은(는) 모의 장치가 아닙니다."),
            say(
                f"Simulated ones: {', '.join(SIMULATORS)}.",
                f"모의 장치: {', '.join(SIMULATORS)}.",
            ),
            say(
                f"Measure it instead: ondol bench --device {device}",
                f"직접 재 보세요: ondol bench --device {device}",
            ),
        )
    return SIMULATORS[device]


def _shape(text: str) -> tuple[int, int]:
    found = SHAPE.fullmatch(text)
    if found is None:
        raise OptionError(
            say(f"{text!r:.60} is no shape.", f"{text!r:.60}은(는) 행렬 크기가 아닙니다."),
            say(
                "It is rows, x, columns: whole numbers of at most 12 digits.",
                "행x열이며 각각 12자리 이하의 자연수입니다.",
            ),
            "--gemv 1024x1024",
        )
    return int(found[1]), int(found[2])


def _wrong(what: str) -> OptionError:
    return OptionError(
        what, "", "ondol simulate BUNDLE --channels 8, ondol simulate --gemv 1024x1024"
    )
