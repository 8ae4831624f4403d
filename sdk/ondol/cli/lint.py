"""`ondol lint`: what a target cannot take of a bundle, and the rewrite that would help."""

from importlib import import_module
from typing import Annotated, Any

import typer

from ondol.cli.making import bundle_for
from ondol.cli.options import BundleName, Json
from ondol.cli.output import note, show_json, show_pairs, show_table
from ondol.errors import DeviceError
from ondol.language import say
from ondol.preparing import CONVERTERS, converters


def lint(
    bundle: BundleName,
    target: Annotated[
        str,
        typer.Option(
            "--target",
            metavar="NAME",
            help=say(
                "What it is to run on, as of `ondol convert --target`.",
                "실행할 대상. `ondol convert --target`의 이름과 같습니다.",
            ),
        ),
    ],
    json: Json = False,
) -> None:
    """Check a bundle's graphs against a target's operators."""
    with converters():
        found = import_module(f"{CONVERTERS}.lint").lint(bundle_for(bundle), target)
    if json:
        show_json(found)
    else:
        _show(found)
    if found.first is not None:
        raise typer.Exit(DeviceError.exit_code)


def _show(found: Any) -> None:
    graphs = ", ".join(found.graphs)
    show_pairs(
        f"{found.bundle} → {found.target}",
        (
            (say("graphs", "그래프"), graphs),
            (say("nodes taken", "실행할 수 있는 노드"), f"{found.taken} / {found.nodes}"),
            (say("first not taken", "실행할 수 없는 첫 노드"), _first(found)),
            (say("source", "출처"), found.source),
        ),
    )
    if not found.refused:
        note(say("The target takes every node.", "대상이 모든 노드를 실행할 수 있습니다."))
        return
    show_table(
        (
            say("operator", "연산자"),
            say("nodes", "노드 수"),
            say("first", "처음"),
            say("why", "이유"),
            say("instead", "대신"),
            say("by", "방법"),
        ),
        [
            (
                each.operator,
                str(each.count),
                each.first.node,
                each.why,
                ", ".join(each.into) or each.note or "-",
                each.by or "-",
            )
            for each in found.refused
        ],
    )


def _first(found: Any) -> str:
    first = found.first
    return f"{first.node} ({first.operator}), {first.graph}" if first else "-"
