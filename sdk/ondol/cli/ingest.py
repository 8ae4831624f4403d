"""`ondol ingest`: the user's documents into a library, with a table of what could not be read."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ondol.cli.documents import EncoderName, LibraryFile, opened
from ondol.cli.failures import Failure, failure
from ondol.cli.options import Json
from ondol.cli.output import note, progress, show_json, show_pairs, show_table
from ondol.language import say


@dataclass(frozen=True, slots=True)
class Unread:
    """A document that could not be read, and why."""

    document: str
    error: Failure


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the documents, and how many passages are new."""

    library: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    duplicates: tuple[str, ...]
    removed: tuple[str, ...]
    failed: tuple[Unread, ...]
    passages: int


def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH...",
            help=say(
                "Documents, and folders of them: txt md html pdf docx hwp hwpx.",
                "문서나 문서가 든 폴더: txt md html pdf docx hwp hwpx.",
            ),
        ),
    ],
    library: LibraryFile,
    encoder: EncoderName = None,
    json: Json = False,
) -> None:
    """Take documents into a library."""
    with (
        opened(library, encoder, create=True) as held,
        progress(lambda _: say("Reading documents", "문서 읽는 중")) as report,
    ):
        done = held.ingest(paths, lambda at, total: report("bytes", at, total))
    taken = Taken(
        str(library),
        done.added,
        done.changed,
        done.unchanged,
        done.duplicates,
        done.removed,
        tuple(Unread(each.document, failure(each.error)) for each in done.failed),
        done.passages,
    )
    if json:
        show_json(taken)
    else:
        _show(taken)
    if taken.failed:
        raise typer.Exit(done.failed[0].error.exit_code)


def _show(taken: Taken) -> None:
    show_pairs(
        taken.library,
        [
            (say("added", "추가"), str(len(taken.added))),
            (say("changed", "변경"), str(len(taken.changed))),
            (say("unchanged", "그대로"), str(len(taken.unchanged))),
            (say("duplicates", "중복"), str(len(taken.duplicates))),
            (say("removed", "삭제"), str(len(taken.removed))),
            (say("new passages", "새 대목"), str(taken.passages)),
        ],
    )
    if taken.failed:
        print()
        show_table(
            (say("not read", "읽지 못한 문서"), say("why", "까닭"), say("what to do", "할 일")),
            [
                (each.document, f"{each.error.what} {each.error.why}".strip(), each.error.fix)
                for each in taken.failed
            ],
        )
    note(f'ondol ask "…" --library {taken.library}')
