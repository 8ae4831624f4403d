"""`ondol embed`: a folder for a device that has Python and numpy and nothing else."""

from pathlib import Path
from typing import Annotated

import typer

from ondol.cli.facts import megabytes
from ondol.cli.options import BundleName, Json
from ondol.cli.output import note, progress, show_json, show_table
from ondol.language import say


def embed(
    bundle: BundleName,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="DIR",
            help=say("The folder; it must not be there yet.", "폴더. 아직 없어야 합니다."),
        ),
    ],
    library: Annotated[
        Path | None,
        typer.Option(
            "--library",
            metavar="FILE",
            show_default=False,
            help=say(
                "The device's libonnxruntime; otherwise the one that capi uses here.",
                "기기의 libonnxruntime. 없으면 여기서 capi가 쓰는 것.",
            ),
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Write a folder for a device."""
    from ondol import store
    from ondol.embedded.folder import embed

    found = store.find(bundle)
    with progress(lambda _: say(f"Embedding {found.name}", f"{found.name} 넣기")) as report:
        made = embed(
            found,
            out,
            library=library,
            progress=lambda done, total: report("bytes", done, total),
        )
    if json:
        show_json(made)
        return
    rows = [(_title(part.name), str(part.files), megabytes(part.size_bytes)) for part in made.parts]
    rows.append((say("all", "모두"), "", megabytes(made.size_bytes)))
    show_table((say("part", "부분"), say("files", "파일"), say("size", "크기")), rows)
    for line in made.notes:
        note(line)
    note(say("Beside Python and numpy it needs nothing: ", "파이썬과 numpy만 있으면 됩니다: "))
    note(f'python {made.path}/chat.py "안녕하세요"')


def _title(part: str) -> str:
    return {
        "weights": say("weights", "가중치"),
        "graphs": say("graphs", "그래프"),
        "tokenizer": say("tokenizer", "토크나이저"),
        "bundle, rest": say("rest of the bundle", "번들의 나머지"),
        "engine library": say("engine's library", "엔진 라이브러리"),
        "licences": say("licences", "라이선스"),
    }.get(part, part)
