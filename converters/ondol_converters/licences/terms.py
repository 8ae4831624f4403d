"""From what is said to what goes into a bundle: a licence, its class, its text, and the doubts."""

from dataclasses import dataclass
from pathlib import Path

from ondol.errors import BadText, OptionError
from ondol.language import say
from ondol_converters.licences.claims import (
    MOST_TEXT,
    Claim,
    Statement,
    of_file,
    of_folder,
    of_repository,
)
from ondol_converters.licences.table import STRICTNESS, Kind, by_name, stricter
from ondol_converters.sources import Source

MOST_NAME = 200
SUFFIXES = (".html", ".md", ".txt")


@dataclass(frozen=True, slots=True)
class Terms:
    """The licence and origin that go into a bundle; `text` is the licence itself."""

    name: str = "unknown"
    kind: str = "unknown"
    text: bytes = b""
    file: str = "LICENSE"
    note: str = ""
    provenance: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """What the user says the licence is. `kind` None: the class that the table knows."""

    name: str
    file: Path | None = None
    kind: Kind | None = None


def terms_of(source: Source, stated: Stated | None = None) -> Terms:
    """The terms of a model to convert.

    Args:
        source: the model.
        stated: the user's own word, which counts before everything; what contradicts it is noted.

    Raises:
        BadText: if the user's licence file cannot be read as text.
        OptionError: if the user's licence is none.
        CorruptSource: if the record of a pull does not hold.
    """
    from ondol_converters.sources.gguf import GgufSource

    if source.path.is_dir():
        said = of_folder(source.path, str(source.config.get("_name_or_path") or ""))
    else:
        said = of_file(source.path, source.metadata if isinstance(source, GgufSource) else {})
    return decide(said, stated)


def folder_terms(folder: Path, stated: Stated | None = None) -> Terms:
    """The terms of a folder that no `Source` reads; otherwise as `terms_of`."""
    return decide(of_folder(folder), stated)


def repository_terms(repository: str, licence: str) -> Terms:
    """The terms of a model on a hub, by its name and what its card calls the licence."""
    return decide(of_repository(repository, licence))


def decide(said: Statement, stated: Stated | None = None) -> Terms:
    """One licence out of everything said: the user's word, else the strictest claim.

    An unknown name is no class: it is kept as it is, its class unknown.
    """
    found = _strictest(said)
    if stated is None:
        return found
    name, kind = _stated(stated)
    text, file = found.text, found.file
    if stated.file is not None:
        text, file = _stated_text(stated.file)
    elif (known := by_name(stated.name)) and not said.text:
        text, file = known.standard_text(), f"LICENSE-{known.text}"
    notes = ["The user states this licence."]
    if found.kind != "unknown" and found.name != name:
        notes.append(f"Otherwise it would be {found.name} ({found.kind}): {_places(said.claims)}.")
    return Terms(name, kind, text, file if text else "LICENSE", " ".join(notes))


def _strictest(said: Statement) -> Terms:
    known = [claim.known for claim in said.claims if claim.known is not None]
    if not known:
        name = said.claims[0].name if said.claims else "unknown"
        note = f"{said.claims[0].where} names it; its class is not known." if said.claims else ""
        return Terms(_line(name), "unknown", said.text, said.file or "LICENSE", note)
    best = known[0]
    for other in known:
        if stricter(other.kind, best.kind):
            best = other
    notes = []
    others = {claim.name for claim in said.claims if claim.known is not best}
    if others:
        notes.append(f"Not all agree, the strictest holds: {_places(said.claims)}.")
    else:
        notes.append(f"From {_wheres(said.claims)}.")
    if best.note:
        notes.append(best.note)
    text, file = said.text, said.file
    if not text:
        text, file = best.standard_text(), f"LICENSE-{best.text}" if best.text else ""
        if text:
            notes.append("The model came without its text; beside this manifest is the usual one.")
        else:
            notes.append(f"The model came without its text: {best.link}")
    return Terms(best.name, best.kind, text, file or "LICENSE", " ".join(notes))


def _stated(stated: Stated) -> tuple[str, str]:
    known = by_name(stated.name)
    name = known.name if known else stated.name
    if not name.strip() or len(name) > MOST_NAME or not name.isprintable():
        raise OptionError(
            say(f"{name!r:.80} is no licence.", f"{name!r:.80}은(는) 라이선스 이름이 아닙니다."),
            "",
            "--licence Apache-2.0",
        )
    kind = stated.kind or (known.kind if known else "unknown")
    if kind not in STRICTNESS:
        raise OptionError(
            say(f"There is no licence class {kind!r}.", f"{kind!r}라는 라이선스 등급은 없습니다."),
            say(f"Known: {', '.join(STRICTNESS)}.", f"아는 등급: {', '.join(STRICTNESS)}."),
            "--licence-class conditional",
        )
    return name, kind


def _stated_text(path: Path) -> tuple[bytes, str]:
    try:
        if not path.is_file():
            raise ValueError(say("no such file", "그런 파일이 없습니다"))
        if path.stat().st_size > MOST_TEXT:
            raise ValueError(f"> {MOST_TEXT} bytes")
        text = path.read_bytes()
        if not text.decode("utf-8").strip():
            raise ValueError(say("it is empty", "비어 있습니다"))
    except (OSError, ValueError) as exc:
        raise BadText(
            say(f"{path} is no licence text.", f"{path}은(는) 라이선스 전문이 아닙니다."),
            f"{exc}"[:200],
            say("Give a text file in UTF-8.", "UTF-8 텍스트 파일을 주세요."),
        ) from exc
    suffix = path.suffix.lower()
    return text, f"LICENSE{suffix if suffix in SUFFIXES else ''}"


def _places(claims: tuple[Claim, ...]) -> str:
    """Every claim with its place, each once."""
    said = dict.fromkeys(f"{_line(claim.where)} says {_line(claim.name)}" for claim in claims)
    return "; ".join(list(said)[:8])


def _wheres(claims: tuple[Claim, ...]) -> str:
    return ", ".join(list(dict.fromkeys(_line(claim.where) for claim in claims))[:8])


def _line(text: str) -> str:
    """A text of somebody else's as one short line."""
    plain = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(plain.split())[:MOST_NAME] or "unknown"
