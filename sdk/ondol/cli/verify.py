"""`ondol verify`: hash every file of a bundle, compare, and say who has signed it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from ondol import store
from ondol.bundle import Bundle
from ondol.cli.failures import Failure, failure
from ondol.cli.options import Json
from ondol.cli.output import progress, show_json, show_table
from ondol.errors import BundleError, OptionError
from ondol.language import say
from ondol.signing.keys import PublicKey, trusted
from ondol.signing.signature import held, require


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a bundle is what was packed, and if not, which file is why; and who signed it.

    `signature` is unsigned, trusted, unknown or broken; "" where the bundle is not whole.
    """

    name: str
    path: str
    whole: bool
    size_bytes: int
    signature: str
    signed_by: str
    fingerprint: str
    error: Failure | None


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A verdict for each bundle that was looked at."""

    bundles: tuple[Verdict, ...]


def verify(
    bundle: Annotated[
        str | None,
        typer.Argument(
            metavar="BUNDLE",
            show_default=False,
            help=say(
                "A bundle's name in the store, its folder or its .ondol file.",
                "번들의 이름, 폴더 또는 .ondol 파일.",
            ),
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help=say("Every bundle of the store.", "저장소의 모든 번들.")),
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(
            "--key",
            metavar="FILE.pub",
            show_default=False,
            help=say(
                "The public key that must have signed it.", "이 공개 키의 서명이 있어야 합니다."
            ),
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Check a bundle's hashes and signature."""
    if (bundle is None) != every:
        raise OptionError(
            say("Give a bundle or --all, one of them.", "번들이나 --all 중 하나만 주세요."),
            "",
            "ondol verify --all",
        )
    wanted = PublicKey.read(key) if key else None
    known = trusted() if wanted is None else (wanted,)
    if bundle is None:
        verdicts = tuple(_each(known, wanted))
    else:
        verdicts = (_whole(store.find(bundle), known, wanted),)
    if json:
        show_json(Verdicts(verdicts))
    else:
        _show(verdicts)
    if not all(verdict.whole for verdict in verdicts):
        raise typer.Exit(BundleError.exit_code)


def _each(known: tuple[PublicKey, ...], wanted: PublicKey | None) -> Iterator[Verdict]:
    """Every bundle of the store; a broken one does not keep the others from being checked."""
    for path in store.paths():
        try:
            yield _whole(Bundle.open(path), known, wanted)
        except BundleError as exc:
            yield Verdict(path.name, str(path), False, 0, "", "", "", failure(exc))


def _whole(bundle: Bundle, known: tuple[PublicKey, ...], wanted: PublicKey | None) -> Verdict:
    """The verdict of a bundle that holds.

    Raises:
        CorruptBundle: if it does not.
        BadSignature: if its signature is broken, or not by the key that is wanted.
    """
    with progress(lambda _: say(f"Hashing {bundle.name}", f"{bundle.name} 해시 계산")) as report:
        bundle.verify(progress=lambda done, total: report("hash", done, total))
    found = held(bundle, known) if wanted is None else require(bundle, wanted)
    return Verdict(
        bundle.path.name,
        str(bundle.path),
        True,
        bundle.size,
        found.state.value,
        found.name,
        found.fingerprint,
        None,
    )


def _show(verdicts: tuple[Verdict, ...]) -> None:
    rows = []
    for verdict in verdicts:
        said = say("whole", "온전함") + f" · {_signed(verdict)}"
        if verdict.error is not None:
            why = f"{verdict.error.what} {verdict.error.why}"
            said = say(f"broken: {why}", f"손상됨: {why}")
        rows.append((verdict.name, said))
    show_table((say("bundle", "번들"), say("result", "결과")), rows)


def _signed(verdict: Verdict) -> str:
    """A signature in a few words."""
    return {
        "unsigned": say("not signed", "서명 없음"),
        "trusted": say(
            f"signed by {verdict.signed_by} ({verdict.fingerprint})",
            f"{verdict.signed_by}의 서명({verdict.fingerprint})",
        ),
        "unknown": say(
            f"signed by an unknown key ({verdict.fingerprint})",
            f"모르는 키의 서명({verdict.fingerprint})",
        ),
    }.get(verdict.signature, "")
