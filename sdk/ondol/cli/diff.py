"""`ondol diff`: what differs between two bundles."""

import typer

from ondol.cli.facts import megabytes
from ondol.cli.options import BundleName, Json
from ondol.cli.output import note, show_json, show_pairs, show_table
from ondol.differences import Change, Differences, MatrixChange, TokenChange, compare
from ondol.language import say
from ondol.manifest import MatrixRecord

DIFFERENT = 11


def diff(first: BundleName, second: BundleName, json: Json = False) -> None:
    """Compare two bundles; the exit code is 11 where they differ."""
    from ondol import store

    found = compare(store.find(first), store.find(second))
    if json:
        show_json(found)
    else:
        _show(found)
    if not found.same:
        raise typer.Exit(DIFFERENT)


def _show(found: Differences) -> None:
    show_pairs(
        "",
        (
            (say("first", "첫째"), f"{found.first}  {megabytes(found.first_bytes)}"),
            (say("second", "둘째"), f"{found.second}  {megabytes(found.second_bytes)}"),
        ),
    )
    if found.same:
        note(say("They are the same, file by file.", "파일 하나하나까지 같습니다."))
        return
    _table(say("field", "항목"), [(c.field, c.first, c.second) for c in found.fields])
    _table(
        say("file", "파일"),
        [(c.path, _size(c.first_bytes), _size(c.second_bytes)) for c in found.files],
    )
    _table(say("matrix", "행렬"), [_matrix(change) for change in found.matrices])
    if found.tokens is not None:
        _show_tokens(found.tokens)
    _table(say("quality", "품질"), [_measured(change) for change in found.quality])


def _table(name: str, rows: list[tuple[str, str, str]]) -> None:
    if rows:
        print()
        show_table((name, say("first", "첫째"), say("second", "둘째")), rows)


def _matrix(change: MatrixChange) -> tuple[str, str, str]:
    return change.name, _layout(change.first), _layout(change.second)


def _layout(record: MatrixRecord | None) -> str:
    if record is None:
        return "-"
    block = f"/{record.block}" if record.block else ""
    return f"{record.bits}{block} {record.method}  {record.bytes:,}"


def _size(size: int | None) -> str:
    return "-" if size is None else f"{size:,}"


def _measured(change: Change) -> tuple[str, str, str]:
    return change.field, change.first, change.second


def _show_tokens(tokens: TokenChange) -> None:
    print()
    show_pairs(
        say("Tokens", "토큰"),
        (
            (say("in both", "둘 다"), f"{tokens.common:,}"),
            (say("in the first only", "첫째에만"), f"{tokens.only_first:,}"),
            (say("in the second only", "둘째에만"), f"{tokens.only_second:,}"),
            (say("under another id", "번호가 다름"), f"{tokens.moved:,}"),
        ),
    )
