"""`ondol trust`: whose signatures count on this machine."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ondol.cli.options import Json
from ondol.cli.output import note, show_json, show_table
from ondol.errors import BadKey, OptionError
from ondol.language import say


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A key: whose it is, its fingerprint, and who trusts it: system or user."""

    name: str
    fingerprint: str
    trusted_by: str


@dataclass(frozen=True, slots=True)
class TrustedKeys:
    """Every key that counts after the command."""

    keys: tuple[TrustedKey, ...]


def trust(
    key: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE.pub",
            show_default=False,
            help=say(
                "A public key to trust; without one the keys are listed.",
                "믿을 공개 키. 없으면 목록을 보여 줍니다.",
            ),
        ),
    ] = None,
    remove: Annotated[
        str | None,
        typer.Option(
            "--remove",
            metavar="NAME|FINGERPRINT",
            show_default=False,
            help=say("Trust this key no longer.", "이 키를 더는 믿지 않습니다."),
        ),
    ] = None,
    json: Json = False,
) -> None:
    """List, add or remove trusted keys."""
    from ondol.signing import keys

    if key is not None and remove is not None:
        raise OptionError(
            say("A key is added or removed.", "키는 더하거나 빼거나 둘 중 하나입니다."),
            "",
            "ondol trust --help",
        )
    if key is not None:
        keys.trust(keys.PublicKey.read(key))
    if remove is not None and not keys.distrust(remove):
        raise BadKey(
            say(f"You trust no key {remove!r}.", f"믿는 키 가운데 {remove!r}이(가) 없습니다."),
            say("Only one's own can be removed.", "직접 더한 키만 뺄 수 있습니다."),
            "ondol trust",
        )
    listed = TrustedKeys(
        tuple(
            TrustedKey(each.name, each.fingerprint, by)
            for by, folder in zip(("system", "user"), keys.trust_folders(), strict=True)
            for each in keys.trusted((folder,))
        )
    )
    if json:
        show_json(listed)
    elif listed.keys:
        _show(listed)
    else:
        note(say("No key is trusted yet.", "아직 믿는 키가 없습니다."))


def _show(listed: TrustedKeys) -> None:
    who = {"system": say("administrator", "관리자"), "user": say("you", "사용자")}
    show_table(
        (say("key", "키"), say("fingerprint", "지문"), say("trusted by", "믿는 사람")),
        [(each.name, each.fingerprint, who[each.trusted_by]) for each in listed.keys],
    )
