"""`ondol convert`: a model in, a bundle out."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ondol.cli.budget import BudgetFacts, budget_facts, budget_pairs, show_kinds
from ondol.cli.facts import BundleFacts, count, facts, megabytes, stored_pairs, terms
from ondol.cli.measured import show_quality
from ondol.cli.npu import Activations, NpuCost, npu_facts, npu_pairs, warn
from ondol.cli.one import OneFacts, one_facts, one_pairs
from ondol.cli.options import (
    Block,
    Explain,
    Json,
    Licence,
    LicenceClass,
    LicenceFile,
    Method,
    share,
)
from ondol.cli.output import note, show_json, show_pairs
from ondol.language import say

TARGETS = ("cpu", "npu", "one")


@dataclass(frozen=True, slots=True)
class Converted:
    """A finished conversion: the bundle, its source's bytes, their ratio and the time taken."""

    bundle: BundleFacts
    source_bytes: int
    size_ratio: float
    seconds: float
    npu: NpuCost | None
    budget: BudgetFacts | None
    one: OneFacts | None


def convert(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help=say(
                "A GGUF file, a Hugging Face folder, or a starter's name (ondol models).",
                "GGUF 파일, 허깅페이스 폴더, 또는 기본 모델의 이름(ondol models).",
            ),
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            show_default=False,
            help=say(
                "The bundle's folder; otherwise the store.", "번들 폴더. 없으면 저장소에 둡니다."
            ),
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            show_default=False,
            help=say("The bundle's name in the store.", "저장소에서 쓸 번들 이름."),
        ),
    ] = None,
    weights: Annotated[
        str,
        typer.Option(
            "--weights",
            metavar="auto|float32|float16|bfloat16|int8|int4",
            help=say(
                "auto: as the source stores them, else 8 bits. float32: dequantised. float16 and "
                "bfloat16: half that file, the same memory on a CPU.",
                "auto: 원본이 저장한 그대로, 아니면 8비트. float32: 양자화를 풀어서. float16과 "
                "bfloat16: 파일은 그 절반, CPU에서 쓰는 메모리는 같음.",
            ),
        ),
    ] = "auto",
    method: Method = None,
    block: Block = None,
    context: Annotated[
        int | None,
        typer.Option(
            "--context",
            metavar="N",
            show_default="4096",
            help=say("The longest context, in tokens.", "가장 긴 문맥(토큰)."),
        ),
    ] = None,
    kv_cache: Annotated[
        str,
        typer.Option(
            "--kv-cache",
            metavar="auto|float32|int8",
            help=say(
                "What keys and values are held in. int8: a quarter of the memory, and faster. "
                "auto: int8 under a budget.",
                "키와 값의 형식. int8: 메모리는 4분의 1이고 더 빠름. auto: 예산이 있으면 int8.",
            ),
        ),
    ] = "auto",
    vocabulary: Annotated[
        str | None,
        typer.Option(
            "--vocabulary",
            metavar="full|ko-en|ko-en-compact",
            show_default="full",
            help=say(
                "Tokens to keep. ko-en: all that Korean and English are written with, so that "
                "they are split as before. ko-en-compact: the frequent ones; rare words fall "
                "into more pieces.",
                "남길 토큰. ko-en: 한국어와 영어에 쓰이는 것 모두. 글이 전과 똑같이 나뉨. "
                "ko-en-compact: 자주 쓰이는 것만. 드문 말은 더 잘게 나뉨.",
            ),
        ),
    ] = None,
    hanja: Annotated[
        bool,
        typer.Option("--hanja", help=say("Keep Chinese characters too.", "한자도 남깁니다.")),
    ] = False,
    text: Annotated[
        list[Path] | None,
        typer.Option(
            "--calibration",
            "--text",
            metavar="FILE",
            show_default=False,
            help=say(
                "A text to learn the vocabulary from, to calibrate and to tune with; may be given "
                "several times. Otherwise Ondol's own texts.",
                "어휘를 고르고 보정하고 조정할 때 쓸 글. 여러 번 줄 수 있습니다. "
                "없으면 온돌의 글을 씁니다.",
            ),
        ),
    ] = None,
    coverage: Annotated[
        str | None,
        typer.Option(
            "--coverage",
            metavar="PERCENT",
            show_default="96%",
            help=say(
                "With ko-en-compact: how much of a text shall be split as before.",
                "ko-en-compact에서, 전과 똑같이 나뉘어야 하는 글의 비율.",
            ),
        ),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            metavar="PERCENT",
            show_default=False,
            help=say(
                "How much worse the model may get at Korean, in bits per character beside the "
                "unquantised source: bits are spent where they buy most. Takes minutes.",
                "한국어가 얼마나 나빠져도 되는지. 양자화하지 않은 원본과 비교한 글자당 비트의 "
                "비율이며, 비트를 가장 효과가 큰 곳에 씁니다. 몇 분 걸립니다.",
            ),
        ),
    ] = None,
    favor: Annotated[
        str,
        typer.Option(
            "--favor",
            metavar="size|speed",
            help=say("What a budget is spent on.", "예산을 무엇에 쓸지."),
        ),
    ] = "size",
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="cpu|npu|one",
            help=say(
                "What it is for. npu: static graphs too. one: a circle file too (Samsung ONE).",
                "실행할 대상. npu: 고정 모양 그래프도. one: 삼성 ONE용 circle 파일도 만듭니다.",
            ),
        ),
    ] = "cpu",
    quality: Annotated[
        bool,
        typer.Option(
            "--quality",
            help=say(
                "Measure the bundle beside its source in float32, and put the report into it.",
                "변환한 번들을 float32 원본과 비교해 재고, 보고서를 번들에 넣습니다.",
            ),
        ),
    ] = False,
    activations: Activations = None,
    licence: Licence = None,
    licence_file: LicenceFile = None,
    licence_class: LicenceClass = None,
    explain: Explain = False,
    json: Json = False,
) -> None:
    """Convert a model into a bundle."""
    from ondol.cli.explain import explain_model
    from ondol.cli.making import Choices, make
    from ondol.cli.placing import place
    from ondol.quality import quality_of

    _known(target)
    choices = Choices(
        weights=weights,
        method=method,
        block=block,
        context=context,
        kv_cache=kv_cache,
        vocabulary=vocabulary,
        hanja=hanja,
        coverage=share(coverage),
        texts=tuple(text or ()),
        budget=share(budget),
        favor=favor,
        quality=quality,
        target=target,
        activations=activations,
        licence=licence,
        licence_file=licence_file,
        licence_class=licence_class,
    )
    if explain:
        explain_model(model, choices, json)
        return
    folder, called = place(model, out, name)
    start = time.monotonic()
    done = make(model, folder, called, choices)
    bundle = done.bundle
    seconds = time.monotonic() - start
    source = sum(origin.size for origin in bundle.manifest.origins)
    made = Converted(
        facts(bundle),
        source,
        bundle.size / (source or 1),
        seconds,
        npu_facts(done.npu),
        budget_facts(done.budget, bundle.path),
        one_facts(done.one),
    )
    if json:
        show_json(made)
        return
    _show(made)
    report = quality_of(bundle)
    if report is not None:
        show_quality(bundle.name, report)
        return
    command = f"ondol evaluate {out or bundle.name} --against {model} --save"
    note(say(f"Measure its quality: {command}", f"품질 재기: {command}"))


def _known(target: str) -> None:
    from ondol.errors import OptionError

    if target not in TARGETS:
        raise OptionError(
            say(f"There is no target {target!r}.", f"{target!r}라는 대상은 없습니다."),
            say(f"Known: {', '.join(TARGETS)}.", f"아는 대상: {', '.join(TARGETS)}."),
            "--target cpu",
        )


def _show(made: Converted) -> None:
    bundle = made.bundle
    show_pairs(
        bundle.name,
        (
            (say("path", "경로"), bundle.path),
            (say("size", "크기"), megabytes(bundle.size_bytes)),
            (say("licence", "라이선스"), terms(bundle)),
            (say("note", "참고"), bundle.licence_note or "-"),
            (say("parameters", "매개변수"), count(bundle.parameters)),
            (say("kept exactly", "그대로 보존"), f"{bundle.exact_share:.1%}"),
            (say("bits a weight", "가중치당 비트"), f"{bundle.bits_per_weight:.2f}"),
            (
                say("source → bundle", "원본 → 번들"),
                f"{megabytes(made.source_bytes)} → {megabytes(bundle.size_bytes)} "
                f"(×{made.size_ratio:.2f})",
            ),
            *stored_pairs(bundle),
            *budget_pairs(made.budget),
            *npu_pairs(made.npu),
            *one_pairs(made.one),
            (say("time", "걸린 시간"), say(f"{made.seconds:.1f} s", f"{made.seconds:.1f}초")),
        ),
    )
    show_kinds(made.budget)
    warn(made.npu)
