"""`ondol assistant`: packs of prompt, documents, glossary and rules, made and listed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ondol.cli.options import Json
from ondol.cli.output import closing, note, show_json, show_table
from ondol.language import say

if TYPE_CHECKING:
    from ondol.packs.pack import Pack


@dataclass(frozen=True, slots=True)
class Listed:
    """A pack, or why it does not hold; texts are empty then."""

    name: str
    title: str
    summary: str
    documents: int
    terms: int
    samples: int
    folder: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Packs:
    """The packs that a name finds."""

    packs: tuple[Listed, ...]


def new(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help=say("A folder to make.", "새로 만들 폴더."))
    ],
    json: Json = False,
) -> None:
    """Make a pack to begin from."""
    from ondol.packs.making import make_pack

    made = listed(make_pack(folder))
    if json:
        show_json(made)
        return
    closing(made.folder)
    note(say("Change its files, then look: ", "파일을 고친 뒤 확인: ") + "ondol assistant list")


def list_packs(json: Json = False) -> None:
    """List packs."""
    from ondol.errors import BadPack
    from ondol.packs.finding import folders, names
    from ondol.packs.pack import Pack

    found = []
    for name, folder in names().items():
        try:
            found.append(listed(Pack.open(folder)))
        except BadPack as exc:
            broken = " ".join((exc.what, exc.why))
            found.append(Listed(name, "", "", 0, 0, 0, str(folder), broken))
    if json:
        show_json(Packs(tuple(found)))
        return
    headers = (
        say("name", "이름"),
        say("title", "제목"),
        say("documents", "문서"),
        say("terms", "용어"),
        say("samples", "예제 질문"),
        say("what for", "쓰임"),
    )
    rows = [
        (each.name, each.title, *map(str, (each.documents, each.terms, each.samples)), each.summary)
        if not each.error
        else (each.name, "", "", "", "", each.error)
        for each in found
    ]
    show_table(headers, rows)
    note(say("Yours go here: ", "내 묶음을 두는 곳: ") + str(folders()[0]))


COMMANDS = (
    ("new", new, say("Make a pack to begin from.", "새 어시스턴트 묶음을 만듭니다.")),
    ("list", list_packs, say("List packs.", "어시스턴트 묶음을 나열합니다.")),
)
"""The commands below `ondol assistant`: name, function, help."""


def listed(pack: "Pack") -> Listed:
    """A pack in a line."""
    told = pack.settings
    return Listed(
        pack.name,
        told.title,
        told.summary,
        len(pack.documents),
        len(pack.glossary),
        len(pack.samples),
        str(pack.folder),
    )
