"""`ondol pull`: a model from a hub, and only with the user's word."""

import os
import shlex
import sys
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from ondol.cli.facts import megabytes
from ondol.cli.options import Json
from ondol.cli.output import note, progress, show_json, show_pairs, terminal
from ondol.errors import NotAllowed
from ondol.language import say

HUB = "ondol_converters.hub"
YES = {"y", "yes", "ㅛ", "예", "네", "응"}


@dataclass(frozen=True, slots=True)
class PulledFile:
    """A file that is here: its path below the folder, bytes, SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PulledModel:
    """What was pulled: where it is, which commit, and the bytes in all and fetched now."""

    model: str
    path: str
    commit: str
    licence: str
    size_bytes: int
    fetched_bytes: int
    files: tuple[PulledFile, ...]
    next: str


def pull(
    model: Annotated[
        str,
        typer.Argument(
            metavar="hf:OWNER/NAME[@REV]",
            help=say(
                "A model on the hub; the revision is a branch, a tag or a commit.",
                "허브의 모델. 리비전은 브랜치, 태그 또는 커밋.",
            ),
        ),
    ],
    file: Annotated[
        str | None,
        typer.Option(
            "--file",
            metavar="NAME.gguf",
            show_default=False,
            help=say(
                "This GGUF file instead of the safetensors.", "safetensors 대신 받을 GGUF 파일."
            ),
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            show_default=False,
            help=say("The folder; otherwise the store's models.", "폴더. 없으면 저장소의 models."),
        ),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help=say("Use the network without asking.", "묻지 않고 네트워크를 씁니다.")
        ),
    ] = False,
    token: Annotated[
        bool,
        typer.Option(
            "--token",
            help=say(
                "Send the token that `hf auth login` saved (HF_TOKEN is sent where it is set).",
                "hf auth login으로 저장한 토큰을 보냅니다(HF_TOKEN은 설정되어 있으면 보냅니다).",
            ),
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Fetch a model from a hub."""
    reference = import_module(f"{HUB}.reference").Reference.parse(model)
    library = import_module(f"{HUB}.library")
    library.check_policy()
    if not yes:
        _ask(str(reference), library.endpoint(), token)
    pulling = import_module(f"{HUB}.pulling")
    with progress(_title) as report:
        found = pulling.pull(reference, out, file=file, with_token=token, progress=report)
    made = _made(found)
    if json:
        show_json(made)
    else:
        _show(made)


def _ask(model: str, endpoint: str, token: bool) -> None:
    """Go on only when a person at the terminal says yes.

    Raises:
        NotAllowed: if nobody is there, or the answer is anything else.
    """
    fix = f"ondol pull {model} --yes"
    if not (terminal(sys.stdin) and terminal(sys.stderr)):
        raise NotAllowed(
            say("Nobody agreed to use the network.", "네트워크 사용에 동의한 사람이 없습니다."),
            say("There is no terminal to ask at.", "물어볼 터미널이 없습니다."),
            fix,
        )
    sent = ""
    if token or os.environ.get("HF_TOKEN"):
        sent = say(" Your token is sent to it.", " 토큰도 보냅니다.")
    note(
        say(
            f"This connects to {endpoint} and downloads {model}.{sent}",
            f"{endpoint}에 접속해 {model}을(를) 내려받습니다.{sent}",
        )
    )
    print(say("Go on? [y/N] ", "계속할까요? [y/N] "), end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in YES:
        raise NotAllowed(
            say("Nothing was fetched.", "아무것도 받지 않았습니다."),
            say("The answer was no.", "동의하지 않았습니다."),
            fix,
        )


def _title(stage: str) -> str:
    return say("Asking the hub", "허브에 묻는 중") if stage == "listing" else stage


def _made(found: Any) -> PulledModel:
    """What the converters' `pull` gave, as this command prints it."""
    return PulledModel(
        model=str(found.reference),
        path=str(found.path),
        commit=found.commit,
        licence=found.licence,
        size_bytes=found.size,
        fetched_bytes=found.fetched,
        files=tuple(PulledFile(**asdict(each)) for each in found.files),
        next=f"ondol convert {shlex.quote(str(found.path))}",
    )


def _show(made: PulledModel) -> None:
    show_pairs(
        made.model,
        (
            (say("path", "경로"), made.path),
            (say("commit", "커밋"), made.commit),
            (say("licence on the card", "카드에 적힌 라이선스"), made.licence or "-"),
            (say("size", "크기"), megabytes(made.size_bytes)),
            (say("fetched now", "이번에 받음"), megabytes(made.fetched_bytes)),
            *((file.path, f"sha256 {file.sha256[:16]}…") for file in made.files),
            (say("next", "다음"), made.next),
        ),
    )
