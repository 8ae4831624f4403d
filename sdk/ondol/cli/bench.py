"""`ondol bench`: how fast a bundle runs here."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ondol.cli.choosing import chosen
from ondol.cli.facts import megabytes
from ondol.cli.memory import Memory, memory_bytes
from ondol.cli.options import ChatModel, Device, Json, Threads
from ondol.cli.output import progress, show_json, show_pairs
from ondol.cli.sustained import duration, run_sustained
from ondol.errors import OptionError
from ondol.language import say

if TYPE_CHECKING:
    from ondol.bench import Measurement


def bench(
    model: ChatModel = None,
    device: Device = None,
    threads: Threads = None,
    memory: Memory = None,
    rounds: Annotated[
        int,
        typer.Option("--rounds", metavar="N", help=say("How many rounds.", "재는 횟수.")),
    ] = 5,
    prompt_tokens: Annotated[
        int,
        typer.Option(
            "--prompt-tokens", metavar="N", help=say("Tokens of the prompt.", "질문의 토큰 수.")
        ),
    ] = 256,
    decode_tokens: Annotated[
        int,
        typer.Option(
            "--decode-tokens", metavar="N", help=say("Tokens of the answer.", "답의 토큰 수.")
        ),
    ] = 64,
    sustained: Annotated[
        str | None,
        typer.Option(
            "--sustained",
            metavar="TIME",
            show_default=False,
            help=say(
                "Decode for so long (90s, 10m, 1h): the first minute beside the last.",
                "이만큼 계속 생성해(90s, 10m, 1h) 처음 1분과 마지막 1분을 비교합니다.",
            ),
        ),
    ] = None,
    governed: Annotated[
        bool,
        typer.Option(
            "--governed",
            help=say(
                "With --sustained: fewer threads and rests under heat or on a low battery.",
                "--sustained와 함께: 뜨겁거나 배터리가 적으면 스레드를 줄이고 쉬어 갑니다.",
            ),
        ),
    ] = False,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record",
            metavar="FILE",
            show_default=False,
            help=say(
                "With --sustained: write what was read, one JSON object a line.",
                "--sustained와 함께: 읽은 값을 한 줄에 JSON 객체 하나로 씁니다.",
            ),
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Measure a bundle."""
    from ondol.bench import Work, measure
    from ondol.cli.making import bundle_for

    if sustained is None and (governed or record is not None):
        raise OptionError(
            say(
                "--governed and --record belong to --sustained.",
                "--governed와 --record는 --sustained와 함께 씁니다.",
            ),
            "",
            "--sustained 10m",
        )
    if sustained is not None and memory is not None:
        raise OptionError(
            say(
                "--memory and --sustained do not go together.",
                "--memory와 --sustained는 함께 쓸 수 없습니다.",
            )
        )
    if sustained is not None:
        seconds = duration(sustained)
        bundle = bundle_for(model)
        device = chosen(bundle, device)
        run_sustained(bundle, device, threads, seconds, governed, record, json)
        return
    limit = memory_bytes(memory)
    work = Work("", threads, rounds, prompt_tokens, decode_tokens, limit)
    bundle = bundle_for(model)
    work = replace(work, device=chosen(bundle, device))
    with progress(lambda _: say("Measuring", "재는 중")) as report:
        measured = measure(bundle, work, lambda done, total: report("measure", done, total))
    if json:
        show_json(measured)
    else:
        _show(measured)


def _show(made: "Measurement") -> None:
    moved = made.bytes_per_token * made.decode_rate
    show_pairs(
        f"{made.model} · {made.device}",
        (
            (say("threads", "스레드"), str(made.threads)),
            (say("rounds", "횟수"), str(len(made.rounds))),
            (
                say(f"prefill, {made.prompt_tokens} tokens", f"프리필({made.prompt_tokens}토큰)"),
                say(f"{made.prefill_rate:.1f} tokens/s", f"{made.prefill_rate:.1f} 토큰/초"),
            ),
            (
                say(f"decode, {made.decode_tokens} tokens", f"디코드({made.decode_tokens}토큰)"),
                say(f"{made.decode_rate:.1f} tokens/s", f"{made.decode_rate:.1f} 토큰/초"),
            ),
            (
                say("Korean", "한국어"),
                say(
                    f"{made.characters_rate:.1f} characters/s",
                    f"{made.characters_rate:.1f} 글자/초",
                ),
            ),
            (
                say("load", "불러오기"),
                say(f"{made.load_seconds:.2f} s", f"{made.load_seconds:.2f}초"),
            ),
            (
                say("first token", "첫 토큰까지"),
                say(f"{made.first_token_seconds:.2f} s", f"{made.first_token_seconds:.2f}초"),
            ),
            (
                say(
                    f"second turn, {made.turn_tokens} tokens after {made.history_tokens}",
                    f"두 번째 차례({made.history_tokens}토큰 뒤 {made.turn_tokens}토큰)",
                ),
                say(
                    f"first token in {made.second_turn_seconds:.2f} s, "
                    f"{made.second_turn_share:.0%} of a cold one",
                    f"첫 토큰까지 {made.second_turn_seconds:.2f}초, "
                    f"처음부터 할 때의 {made.second_turn_share:.0%}",
                ),
            ),
            (say("peak memory", "최대 메모리"), megabytes(made.peak_resident_bytes)),
            (say("bundle", "번들 크기"), megabytes(made.size_bytes)),
            (
                say("weights read", "읽는 가중치"),
                say(
                    f"{megabytes(made.bytes_per_token)} a token, {moved / 1e9:.1f} of "
                    f"{made.read_bandwidth / 1e9:.1f} GB/s ({made.bandwidth_share:.0%})",
                    f"토큰당 {megabytes(made.bytes_per_token)}, 초당 {moved / 1e9:.1f} GB / "
                    f"{made.read_bandwidth / 1e9:.1f} GB ({made.bandwidth_share:.0%})",
                ),
            ),
        ),
    )
