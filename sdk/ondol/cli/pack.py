"""`ondol pack` and `ondol unpack`: a bundle as one file, and as a folder again."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ondol.bundle import Progress
from ondol.cli.facts import megabytes
from ondol.cli.options import BundleName, Json
from ondol.cli.output import progress, show_json, show_pairs
from ondol.language import say


@dataclass(frozen=True, slots=True)
class Written:
    """A bundle that was written: its name, where, and the bytes of the file or folder."""

    name: str
    path: str
    size_bytes: int


def pack(
    bundle: BundleName,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.ondol",
            show_default=False,
            help=say("The file; otherwise NAME.ondol here.", "파일. 없으면 여기에 이름.ondol."),
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write a bundle as one file."""
    from ondol import packing, store

    found = store.find(bundle)
    target = out or Path(f"{found.name}.ondol")
    with _bar(say(f"Packing {found.name}", f"{found.name} 묶기")) as report:
        made = packing.pack(found, target, progress=report)
    _said(Written(made.name, str(made.path.resolve()), made.path.stat().st_size), json)


def unpack(
    bundle: BundleName,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            show_default=False,
            help=say("The folder; otherwise NAME here.", "폴더. 없으면 여기에 이름으로."),
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write a bundle as a folder."""
    from ondol import packing, store

    found = store.find(bundle)
    target = out or Path(found.name)
    with _bar(say(f"Unpacking {found.name}", f"{found.name} 풀기")) as report:
        made = packing.unpack(found, target, progress=report)
    _said(Written(made.name, str(made.path.resolve()), made.size), json)


@contextmanager
def _bar(title: str) -> Iterator[Progress]:
    with progress(lambda _: title) as report:
        yield lambda done, total: report("bytes", done, total)


def _said(made: Written, json: bool) -> None:
    if json:
        show_json(made)
        return
    size = megabytes(made.size_bytes)
    show_pairs(made.name, ((say("path", "경로"), made.path), (say("size", "크기"), size)))
