"""`ondol models`: the bundles of the store, and the starters that can become one."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ondol import store
from ondol.bundle import Bundle
from ondol.cli.facts import BundleFacts, count, facts, licence_class, megabytes
from ondol.cli.failures import Failure, failure
from ondol.cli.options import Json
from ondol.cli.output import note, show_json, show_table
from ondol.errors import BundleError, MissingExtra
from ondol.language import say
from ondol.manifest import MANIFEST
from ondol.starter import STARTERS, locate


class StarterState(StrEnum):
    """How far a starter is on its way to a bundle."""

    INSTALLABLE = "installable"
    INSTALLED = "installed"
    CONVERTED = "converted"


@dataclass(frozen=True, slots=True)
class Stored:
    """A folder of the store: its bundle's facts, or why it has none."""

    name: str
    bundle: BundleFacts | None
    error: Failure | None


@dataclass(frozen=True, slots=True)
class StarterFacts:
    """A starter: whether it chats, its terms, how far it is, and the next step."""

    name: str
    title: str
    state: StarterState
    chats: bool
    licence: str
    licence_kind: str
    size_bytes: int
    fix: str


@dataclass(frozen=True, slots=True)
class Models:
    """Everything there is to run: the store's folder, its bundles, and the starters."""

    folder: str
    bundles: tuple[Stored, ...]
    starters: tuple[StarterFacts, ...]


def models(json: Json = False) -> None:
    """List bundles and starters."""
    found = Models(str(store.folder()), tuple(stored()), tuple(_starters()))
    if json:
        show_json(found)
    else:
        _show(found)


def stored() -> Iterator[Stored]:
    """Every folder of the store by name."""
    for path in store.paths():
        try:
            yield Stored(path.name, facts(Bundle.open(path)), None)
        except BundleError as exc:
            yield Stored(path.name, None, failure(exc))


def _starters() -> Iterator[StarterFacts]:
    for starter in STARTERS.values():
        state, fix = StarterState.INSTALLED, f"ondol convert {starter.name}"
        try:
            for part in starter.parts:
                locate(part)
        except MissingExtra as exc:
            state, fix = StarterState.INSTALLABLE, exc.fix
        if (store.folder() / starter.name / MANIFEST).exists():
            state, fix = StarterState.CONVERTED, ""
        yield StarterFacts(
            name=starter.name,
            title=starter.title,
            state=state,
            chats=starter.chats,
            licence=starter.licence,
            licence_kind=starter.licence_kind,
            size_bytes=starter.size,
            fix=fix,
        )


def _show(found: Models) -> None:
    if found.bundles:
        show_table(
            (
                say("bundle", "번들"),
                say("size", "크기"),
                say("parameters", "매개변수"),
                say("bits", "비트"),
                say("context", "문맥"),
                say("licence", "라이선스"),
                say("state", "상태"),
            ),
            [_row(entry) for entry in found.bundles],
        )
    else:
        note(say("The store holds no bundles yet.", "저장소에 아직 번들이 없습니다."))
    print()
    show_table(
        (
            say("starter", "기본 모델"),
            say("size", "크기"),
            say("licence", "라이선스"),
            say("state", "상태"),
            say("next", "다음"),
        ),
        [
            (
                starter.name,
                megabytes(starter.size_bytes),
                f"{starter.licence} ({licence_class(starter.licence_kind)})",
                _state(starter.state),
                starter.fix,
            )
            for starter in found.starters
        ],
    )
    note(found.folder)


def _row(entry: Stored) -> tuple[str, ...]:
    bundle, error = entry.bundle, entry.error
    if bundle is None:
        why = " ".join((error.what, error.why)).strip() if error else ""
        return (entry.name, "", "", "", "", "", say(f"broken: {why}", f"손상됨: {why}"))
    return (
        entry.name,
        megabytes(bundle.size_bytes),
        count(bundle.parameters),
        f"{bundle.bits_per_weight:.2f}",
        say(f"{bundle.context_tokens} tokens", f"{bundle.context_tokens}토큰"),
        f"{bundle.licence} ({licence_class(bundle.licence_kind)})",
        say("ready", "준비됨"),
    )


def _state(state: StarterState) -> str:
    return {
        StarterState.INSTALLABLE: say("not installed", "설치 안 됨"),
        StarterState.INSTALLED: say("installed", "설치됨"),
        StarterState.CONVERTED: say("converted", "변환됨"),
    }[state]
