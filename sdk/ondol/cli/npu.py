"""What `ondol convert --target npu` asks and tells of quantised activations."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ondol.cli.output import note
from ondol.language import say

MUCH = 0.02
"""A loss in bits per character of which a person is told apart from the table."""

Activations = Annotated[
    str | None,
    typer.Option(
        "--activations",
        metavar="a16w8|a8w8",
        show_default=False,
        help=say(
            "With --target npu: activations in 16 bits (otherwise) or in 8, weights in 8.",
            "--target npu에서 활성값을 16비트(기본)나 8비트로. 가중치는 8비트.",
        ),
    ),
]


@dataclass(frozen=True, slots=True)
class NpuFacts:
    """The cost of quantising for a neural processor: see ondol.target_reports.NpuReport."""

    activations: str
    context_tokens: int
    prefill_tokens: int
    calibration_tokens: int
    text: str
    tokens: int
    top1_agreement: float
    float_bits_per_character: float
    bits_per_character: float
    relative_loss: float


def npu_facts(report: Any) -> NpuFacts | None:
    """The converters' report, as commands print it."""
    if report is None:
        return None
    return NpuFacts(
        activations=report.activations,
        context_tokens=report.context,
        prefill_tokens=report.bucket,
        calibration_tokens=report.calibration_tokens,
        text=report.text,
        tokens=report.tokens,
        top1_agreement=report.top1_agreement,
        float_bits_per_character=report.float_bits_per_character,
        bits_per_character=report.bits_per_character,
        relative_loss=report.relative_loss,
    )


def npu_pairs(npu: NpuFacts | None) -> tuple[tuple[str, str], ...]:
    """Rows for people; none where no neural processor was meant."""
    if npu is None:
        return ()
    return (
        (
            "npu",
            say(
                f"{npu.activations}, {npu.context_tokens} positions, "
                f"{npu.prefill_tokens} tokens at a time",
                f"{npu.activations}, {npu.context_tokens}자리, 한 번에 {npu.prefill_tokens}토큰",
            ),
        ),
        (
            say("npu bits/char", "npu 글자당 비트"),
            f"{npu.float_bits_per_character:.3f} → {npu.bits_per_character:.3f} "
            f"({npu.relative_loss:+.1%})",
        ),
        (
            say("npu same token", "npu 같은 토큰"),
            say(
                f"{npu.top1_agreement:.1%} of {npu.tokens}",
                f"{npu.tokens}개 중 {npu.top1_agreement:.1%}",
            ),
        ),
    )


def warn(npu: NpuFacts | None) -> None:
    """Say a large loss in words, and what to do."""
    if npu is None or npu.relative_loss <= MUCH:
        return
    note(
        say(
            f"{npu.activations} costs {npu.relative_loss:.1%} in bits per character.",
            f"{npu.activations}: 글자당 비트가 {npu.relative_loss:.1%} 나빠졌습니다.",
        )
        + (
            say(" Less: --activations a16w8", " 줄이려면: --activations a16w8")
            if npu.activations == "a8w8"
            else ""
        )
    )
