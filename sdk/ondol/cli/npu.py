"""What `ondol convert --target npu` asks and tells of quantised activations."""

from dataclasses import dataclass
from typing import Annotated, Any

import typer

from ondol.cli.output import note
from ondol.language import say

MUCH = 0.02
"""A loss in bits per character, or of a cosine, of which a person is told apart from the table."""

Activations = Annotated[
    str | None,
    typer.Option(
        "--activations",
        metavar="a16w8|a8w8|float16",
        show_default=False,
        help=say(
            "With --target npu: activations in 16 bits (otherwise) or in 8 and weights in 8, "
            "or both in float16.",
            "--target npu에서 활성값을 16비트(기본)나 8비트로, 가중치는 8비트로. "
            "float16은 둘 다 양자화하지 않고 float16으로.",
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

    @property
    def loss(self) -> tuple[float, str]:
        """What was lost, as a share, and what that is called."""
        return self.relative_loss, say("bits per character", "글자당 비트")


@dataclass(frozen=True, slots=True)
class FoundFacts:
    """Passages of a kind found at the first place: shares, in float and quantised."""

    kind: str
    float_recall_at_1: float
    recall_at_1: float


@dataclass(frozen=True, slots=True)
class EncoderNpuFacts:
    """The same of an encoder: see ondol.target_reports.EncoderNpuReport."""

    activations: str
    lengths_tokens: tuple[int, ...]
    calibration_tokens: int
    text: str
    texts: int
    least_cosine: float
    mean_cosine: float
    found: tuple[FoundFacts, ...]

    @property
    def loss(self) -> tuple[float, str]:
        """What was lost, as a share, and what that is called."""
        return 1 - self.mean_cosine, say("cosine", "코사인")


NpuCost = NpuFacts | EncoderNpuFacts


def npu_facts(report: Any) -> NpuCost | None:
    """The converters' report, as commands print it."""
    if report is None:
        return None
    if hasattr(report, "lengths"):
        return EncoderNpuFacts(
            activations=report.activations,
            lengths_tokens=report.lengths,
            calibration_tokens=report.calibration_tokens,
            text=report.text,
            texts=report.texts,
            least_cosine=report.least_cosine,
            mean_cosine=report.mean_cosine,
            found=tuple(
                FoundFacts(each.kind, each.float_recall_at_1, each.recall_at_1)
                for each in report.found
            ),
        )
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


def npu_pairs(npu: NpuCost | None) -> tuple[tuple[str, str], ...]:
    """Rows for people; none where no neural processor was meant."""
    if npu is None:
        return ()
    return _encoder(npu) if isinstance(npu, EncoderNpuFacts) else _decoder(npu)


def _decoder(npu: NpuFacts) -> tuple[tuple[str, str], ...]:
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


def _encoder(npu: EncoderNpuFacts) -> tuple[tuple[str, str], ...]:
    lengths = ", ".join(map(str, npu.lengths_tokens))
    return (
        (
            "npu",
            say(
                f"{npu.activations}, texts of up to {lengths} tokens",
                f"{npu.activations}, 글 길이 {lengths}토큰까지",
            ),
        ),
        (
            say("npu cosine", "npu 코사인"),
            say(
                f"{npu.mean_cosine:.4f}, the least of {npu.texts} texts {npu.least_cosine:.4f}",
                f"{npu.mean_cosine:.4f}, 글 {npu.texts}개 중 최저 {npu.least_cosine:.4f}",
            ),
        ),
        *(
            (
                say(f"npu found ({each.kind})", f"npu 검색 ({each.kind})"),
                f"{each.float_recall_at_1:.1%} → {each.recall_at_1:.1%}",
            )
            for each in npu.found
        ),
    )


def warn(npu: NpuCost | None) -> None:
    """Say a large loss in words, and what to do."""
    if npu is None or npu.loss[0] <= MUCH:
        return
    lost, what = npu.loss
    note(
        say(
            f"{npu.activations} costs {lost:.1%} in {what}.",
            f"{npu.activations}: {what} 기준으로 {lost:.1%} 나빠졌습니다.",
        )
        + (
            say(" Less: --activations a16w8", " 줄이려면: --activations a16w8")
            if npu.activations == "a8w8"
            else ""
        )
    )
