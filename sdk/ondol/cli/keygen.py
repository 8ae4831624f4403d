"""`ondol keygen`: a key to sign bundles with."""

import os
import sys
from dataclasses import dataclass
from getpass import getpass
from pathlib import Path
from typing import Annotated

import typer

from ondol.cli.options import Json
from ondol.cli.output import show_json, show_pairs, terminal
from ondol.errors import BadKey
from ondol.language import say

VARIABLE = "ONDOL_KEY_PASSPHRASE"


@dataclass(frozen=True, slots=True)
class Generated:
    """A new key: whose, its fingerprint, and its two files."""

    name: str
    fingerprint: str
    private_key: str
    public_key: str
    encrypted: bool


def keygen(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            show_default=False,
            help=say(
                "Whose key it is, such as a company; otherwise as the file is called.",
                "누구의 키인지(회사 이름 등). 없으면 파일 이름.",
            ),
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.key",
            show_default=False,
            help=say(
                "The private key's file; otherwise in the user's settings.",
                "개인 키 파일. 없으면 사용자 설정 폴더에 둡니다.",
            ),
        ),
    ] = None,
    passphrase: Annotated[
        bool,
        typer.Option(
            "--passphrase",
            help=say(
                f"Encrypt it with a passphrase: asked for, or {VARIABLE}.",
                f"암호로 잠급니다. 물어보거나 {VARIABLE}에서 읽습니다.",
            ),
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Make a key."""
    from ondol.signing import private

    path = out or private.default_path()
    secret = ask(path, twice=True) if passphrase else ""
    made = private.generate(path, name or path.stem, secret)
    shown = Generated(
        made.key.name, made.key.fingerprint, str(made.private), str(made.public), bool(secret)
    )
    if json:
        show_json(shown)
        return
    show_pairs(
        shown.name,
        (
            (say("fingerprint", "지문"), shown.fingerprint),
            (say("private key, keep it secret", "개인 키(비밀로 두세요)"), shown.private_key),
            (say("public key, give it away", "공개 키(나눠 주세요)"), shown.public_key),
        ),
    )


def ask(path: Path, *, twice: bool = False) -> str:
    """The passphrase of a private key, from the environment or a person at the terminal.

    Raises:
        BadKey: if there is neither, or what was typed twice differs.
    """
    given = os.environ.get(VARIABLE, "")
    if given:
        return given
    if not terminal(sys.stdin):
        raise BadKey(
            say(f"{path} needs a passphrase.", f"{path}에는 암호가 필요합니다."),
            say("There is no terminal to ask at.", "물어볼 터미널이 없습니다."),
            f"export {VARIABLE}=...",
        )
    first = getpass(say("Passphrase: ", "암호: "))
    if not first or (twice and getpass(say("Again: ", "한 번 더: ")) != first):
        raise BadKey(
            say("That is no passphrase.", "암호로 쓸 수 없습니다."),
            say("It is empty, or not the same twice.", "비어 있거나 두 번이 서로 다릅니다."),
            say("Try again.", "다시 해 보세요."),
        )
    return first
