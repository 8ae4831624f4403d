"""`ondol place`: which node of a bundle would run where, before anything runs."""

from typing import TYPE_CHECKING, Annotated

import typer

from ondol.cli.facts import megabytes
from ondol.cli.making import bundle_for
from ondol.cli.options import BundleName, Context, Device, Json
from ondol.cli.output import note, show_json, show_table
from ondol.language import say
from ondol.preparing import converters

if TYPE_CHECKING:
    from ondol.placement_report import PassPlacement, PlacementReport


def place(
    bundle: BundleName,
    device: Device = None,
    prompt_tokens: Annotated[
        int | None,
        typer.Option(
            "--prompt-tokens",
            metavar="N",
            show_default=False,
            help=say(
                "Tokens of the prompt; otherwise 256, or what fits.",
                "질문의 토큰 수. 없으면 256 또는 들어가는 만큼.",
            ),
        ),
    ] = None,
    context: Context = None,
    json: Json = False,
) -> None:
    """Report where a bundle's nodes run."""
    from ondol.placement_report import place as placed

    with converters():  # the graph is read with onnx
        report = placed(bundle_for(bundle), device, prompt_tokens=prompt_tokens, context=context)
    if json:
        show_json(report)
    else:
        _show(report)


def _show(report: "PlacementReport") -> None:
    passes = [(_prefill(report), report.prefill)]
    if report.decode is not None:
        passes.append((say("decode, one token", "디코드(1토큰)"), report.decode))
    rows = report.decode or report.prefill
    show_table(
        (
            say("node", "노드"),
            say("operator", "연산자"),
            say("device", "장치"),
            "FLOPs",
            say("bytes", "바이트"),
            say("reason", "이유"),
        ),
        [
            (
                row.node,
                row.operator,
                row.device or "-",
                f"{row.flops:,}",
                f"{row.bytes:,}",
                row.reason,
            )
            for row in rows.rows
        ],
    )
    print()
    show_table(
        (
            say("pass", "실행"),
            say("device", "장치"),
            say("nodes", "노드"),
            "FLOPs",
            say("share", "비율"),
            say("bytes", "바이트"),
            say("share", "비율"),
        ),
        [line for title, each in passes for line in _shares(title, each)],
    )
    for said in report.notes:
        note(said)


def _prefill(report: "PlacementReport") -> str:
    count = report.prefill.tokens
    if report.decode is None:
        return say(f"a text, {count} tokens", f"글({count}토큰)")
    return say(f"prefill, {count} tokens", f"프리필({count}토큰)")


def _shares(title: str, placed: "PassPlacement") -> list[tuple[str, ...]]:
    return [
        (
            title,
            share.device,
            str(share.nodes),
            f"{share.flops / 1e6:,.1f} M",
            f"{share.flops_share:.1%}",
            megabytes(share.bytes),
            f"{share.bytes_share:.1%}",
        )
        for share in placed.shares
    ]
