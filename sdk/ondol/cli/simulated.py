"""How simulated figures are printed: none without the word beside it."""

from collections.abc import Sequence
from typing import Any

from ondol.cli.facts import megabytes
from ondol.cli.output import show_pairs, show_table
from ondol.language import say


def _said(text: str) -> str:
    """A figure that cannot be quoted without the word."""
    return say(f"{text} (simulated)", f"{text} (모의)")


def _pairs(title: str, rows: Sequence[tuple[str, str]]) -> None:
    show_pairs(_said(title), [(name, _said(value)) for name, value in rows])


def show_product(made: Any) -> None:
    """Print one product: `ondol_runtimes.aim.report.Product`."""
    roof = f"{made.roof_flops_per_second / 1e9:,.0f} GFLOP/s"
    _pairs(
        f"{made.rows} x {made.columns} · aim · {_channels(made.channels)}",
        (
            (say("cycles", "사이클"), f"{made.cycles:,}"),
            (say("time", "시간"), _time(made.seconds)),
            (say("read inside", "내부에서 읽음"), megabytes(made.inside_bytes)),
            (say("over the bus", "버스로 옮김"), megabytes(made.outside_bytes)),
            (
                say("rate", "연산 속도"),
                say(
                    f"{made.flops_per_second / 1e9:,.0f} GFLOP/s, {made.roof_share:.1%} of the "
                    f"banks' roof of {roof}",
                    f"{made.flops_per_second / 1e9:,.0f} GFLOP/s, 뱅크 한계 {roof}의 "
                    f"{made.roof_share:.1%}",
                ),
            ),
            (
                say("reading it outside", "밖에서 읽으면"),
                say(
                    f"{_time(made.outside_seconds)} at least, the whole matrix over the bus",
                    f"행렬 전체를 버스로 옮기는 데 최소 {_time(made.outside_seconds)}",
                ),
            ),
        ),
    )


def show_decode(made: Any) -> None:
    """Print a bundle's decode: `ondol_runtimes.aim.report.Decode`."""
    rate = say("tokens/s", "토큰/초")
    _pairs(
        f"{made.bundle} · aim · {_channels(made.channels)}",
        (
            (say("cycles a token", "토큰당 사이클"), f"{made.cycles:,}"),
            (
                say("decode, at most", "디코드(상한)"),
                say(
                    f"{made.tokens_per_second:,.1f} {rate}, the matrices alone",
                    f"{made.tokens_per_second:,.1f} {rate}, 행렬만",
                ),
            ),
            (say("roof of the banks", "뱅크의 한계"), f"{made.roof_tokens_per_second:,.1f} {rate}"),
            (
                say("roof of the bus", "버스의 한계"),
                say(
                    f"{made.bus_tokens_per_second:,.1f} {rate} reading BF16, "
                    f"{made.bus_stored_tokens_per_second:,.1f} reading what the bundle stores",
                    f"BF16을 읽으면 {made.bus_tokens_per_second:,.1f} {rate}, 번들에 저장된 대로 "
                    f"읽으면 {made.bus_stored_tokens_per_second:,.1f}",
                ),
            ),
            (say("read inside", "내부에서 읽음"), megabytes(made.inside_bytes)),
            (say("over the bus", "버스로 옮김"), megabytes(made.outside_bytes)),
            (
                say("weights", "가중치"),
                say(
                    f"{megabytes(made.weight_bytes)} in BF16, {megabytes(made.stored_bytes)} in "
                    "the bundle",
                    f"BF16으로 {megabytes(made.weight_bytes)}, 번들에는 "
                    f"{megabytes(made.stored_bytes)}",
                ),
            ),
            (
                say("rows of each bank", "뱅크마다 쓰는 행"),
                f"{made.bank_rows:,} / {made.most_bank_rows:,}",
            ),
            (
                say("cannot move", "옮길 수 없는 몫"),
                say(
                    f"{made.stays_share_macs:.1%} of multiplications, "
                    f"{made.stays_share_bytes:.1%} of bytes, after {made.length} tokens",
                    f"{made.length}토큰 뒤 곱셈의 {made.stays_share_macs:.1%}, "
                    f"바이트의 {made.stays_share_bytes:.1%}",
                ),
            ),
        ),
    )
    show_table(
        (
            say("matrix", "행렬"),
            say("how many", "개수"),
            say("cycles each", "각 사이클"),
            _said(say("share", "비율")),
        ),
        [
            (
                f"{step.rows} x {step.columns}",
                str(step.matrices),
                f"{step.cycles:,}",
                _said(
                    say(
                        f"{step.roof_share:.1%} of the banks' roof",
                        f"뱅크 한계의 {step.roof_share:.1%}",
                    )
                ),
            )
            for step in made.steps
        ],
    )
    _pairs(
        say("stays on the processor", "프로세서에 남는 것"),
        [
            (
                stay.part,
                say(
                    f"{stay.macs:,} multiplications, {megabytes(stay.bytes)}: {stay.reason}",
                    f"곱셈 {stay.macs:,}번, {megabytes(stay.bytes)}: {stay.reason}",
                ),
            )
            for stay in made.stays
        ],
    )


def show_terms(made: Any) -> None:
    """Print what either assumes."""
    assumed = say("assumed", "가정")
    _pairs(
        say("what this rests on", "이 수치의 근거"),
        [
            (say("energy", "에너지"), made.energy),
            *((assumed, each) for each in made.assumptions),
        ],
    )


def _channels(count: int) -> str:
    return say(f"{count} channel{'s' * (count > 1)}", f"채널 {count}개")


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.2f} µs" if seconds < 1e-3 else f"{seconds * 1e3:,.2f} ms"
