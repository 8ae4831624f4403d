"""`ondol sign`: one's word for a bundle."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ondol.cli.keygen import ask
from ondol.cli.options import BundleName, Json
from ondol.cli.output import note, show_json, show_pairs
from ondol.language import say


@dataclass(frozen=True, slots=True)
class Signed:
    """A bundle, where it is, and the fingerprint of the key that signed it; "" for none."""

    name: str
    path: str
    fingerprint: str


def sign(
    bundle: BundleName,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE.key",
            show_default=False,
            help=say(
                "The private key; otherwise the one in the user's settings.",
                "개인 키. 없으면 사용자 설정 폴더의 키.",
            ),
        ),
    ] = None,
    remove: Annotated[
        bool,
        typer.Option(
            "--remove",
            help=say(
                "Take the signature out, so that the bundle can be changed.",
                "서명을 지웁니다. 그러면 번들을 고칠 수 있습니다.",
            ),
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Sign a bundle."""
    from ondol import store
    from ondol.signing import private, signature
    from ondol.signing.keys import fingerprint

    path = key or private.default_path()
    found = store.find(bundle)
    if remove:
        if not signature.remove(found):
            note(say(f"{found.name} is not signed.", f"{found.name}에는 서명이 없습니다."))
        _said(Signed(found.name, str(found.path), ""), json)
        return
    secret = private.load(path, ask(path) if private.locked(path) else "")
    made = private.sign(found, secret)
    raw = secret.public_key().public_bytes_raw()
    _said(Signed(made.name, str(made.path), fingerprint(raw)), json)


def _said(shown: Signed, json: bool) -> None:
    if json:
        show_json(shown)
        return
    show_pairs(
        shown.name,
        (
            (say("path", "경로"), shown.path),
            (say("signed by", "서명한 키"), shown.fingerprint or "-"),
        ),
    )
