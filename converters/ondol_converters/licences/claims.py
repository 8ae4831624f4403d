"""What a source says of its own terms: model card, licence file, GGUF keys, record of a pull."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ondol_converters.hub.record import NAME as RECORD
from ondol_converters.hub.record import Record
from ondol_converters.licences.table import KnownLicence, by_model, by_name, by_text

CARD = "README.md"
LICENCE_FILES = re.compile(r"(licen[cs]e|copying)([-_.][A-Za-z0-9._-]{0,80})?", re.IGNORECASE)
MOST_CARD = 1 << 20
MOST_TEXT = 1 << 20
KEYS = ("license", "license_name", "base_model")


@dataclass(frozen=True, slots=True)
class Claim:
    """A licence that something names: as it names it, the licence if it is known, and where."""

    name: str
    known: KnownLicence | None
    where: str


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything a source says: claims, and the licence's text if it comes with one."""

    claims: tuple[Claim, ...]
    text: bytes
    file: str


def of_folder(folder: Path, name: str = "") -> Statement:
    """What a model's folder says.

    Args:
        folder: a Hugging Face folder, or one that `ondol pull` filled.
        name: what the model's configuration calls it; "" for nothing.

    Raises:
        CorruptSource: if the record of a pull does not hold.
    """
    record = Record.read(folder)
    card = _front_matter(folder / CARD)
    text, file = _licence_file(folder)
    claims = list(_card_claims(card))
    if record is not None:
        claims += _named(record.licence, RECORD)
        claims += _model_claims(record.repository, RECORD)
    if text and (known := by_text(text.decode("utf-8", "replace"))):
        claims.append(Claim(known.name, known, file))
    claims += _model_claims(name, "config.json")
    if not claims:
        claims += _model_claims(folder.resolve().name, "the folder's name")
    return Statement(tuple(claims), text, file)


def of_file(path: Path, keys: Mapping[str, Any]) -> Statement:
    """What a model in one file says; what lies beside it counts only where a pull put it there.

    Args:
        path: the file.
        keys: a GGUF's metadata; of other formats none.

    Raises:
        CorruptSource: if the record of a pull does not hold.
    """

    def said(key: str) -> str:
        value = keys.get(f"general.{key}")
        return value if isinstance(value, str) else ""

    record = Record.read(path.parent)
    pulled = record is not None and any(each.path == path.name for each in record.files)
    around = of_folder(path.parent) if pulled else Statement((), b"", "")
    claims = list(around.claims)
    for key in ("license", "license.name"):
        claims += _named(said(key), f"general.{key}")
    for name, maker in (("name", "organization"), ("basename", "organization")):
        claims += _model_claims(f"{said(maker)}/{said(name)}", f"general.{name}")
    for key in ("source.repo_url", "repo_url", "source.huggingface.repository"):
        claims += _model_claims("/".join(said(key).split("/")[-2:]), f"general.{key}")
    for number in range(8):
        at = f"base_model.{number}"
        claims += _model_claims(
            f"{said(f'{at}.organization')}/{said(f'{at}.name')}", f"general.{at}"
        )
    if not claims:
        claims += _model_claims(path.stem, "the file's name")
    return Statement(tuple(claims), around.text, around.file)


def of_repository(repository: str, licence: str) -> Statement:
    """What a hub says of a model before anything is fetched."""
    return Statement((*_named(licence, "the hub"), *_model_claims(repository, "the hub")), b"", "")


def _card_claims(card: Mapping[str, list[str]]) -> Iterator[Claim]:
    named = card["license"]
    if named and named[0].casefold() == "other" and card["license_name"]:
        named = card["license_name"]
    for name in named:
        yield from _named(name, CARD)
    for base in card["base_model"]:
        yield from _model_claims(base, f"{CARD}, base_model")


def _named(name: str, where: str) -> list[Claim]:
    """A licence by its name; "other" names none."""
    if name.casefold() in ("", "other", "unknown"):
        return []
    return [Claim(name, by_name(name), where)]


def _model_claims(name: str, where: str) -> list[Claim]:
    known = by_model(name)
    if known is None:
        return []
    return [Claim(known.licence, by_name(known.licence), f"{where}: {known.title}")]


def _front_matter(path: Path) -> Mapping[str, list[str]]:
    """The texts of a few keys of a model card's header, YAML as cards write it; none elsewhere."""
    found: dict[str, list[str]] = {key: [] for key in KEYS}
    lines = _text(path, MOST_CARD).decode("utf-8", "replace").splitlines()
    if not lines or lines[0].lstrip("\ufeff").strip() != "---":
        return found
    key = ""
    for line in lines[1:]:
        if line.strip() == "---":
            return found
        item = re.match(r"\s*-\s+(.*)", line)
        if item:
            value = item[1]
        else:
            top = re.match(r"([A-Za-z_]+):(.*)", line)
            key, value = (top[1], top[2]) if top else ("", "")
        for each in value.strip().strip("[]").split(","):
            plain = each.split(" #")[0].strip().strip("'\"")
            if key in found and plain:
                found[key].append(plain[:200])
    return {name: [] for name in KEYS}  # a header without an end is none


def _licence_file(folder: Path) -> tuple[bytes, str]:
    """The text of a folder's licence, and the file's name; the plainest name first."""
    names = [path.name for path in folder.iterdir() if LICENCE_FILES.fullmatch(path.name)]
    for name in sorted(names, key=lambda each: (len(each), each)):
        if text := _text(folder / name, MOST_TEXT):
            return text, name
    return b"", ""


def _text(path: Path, most: int) -> bytes:
    """A small file's bytes; none where it is absent, unreadable, too large or no plain file."""
    try:
        if not path.is_file() or path.stat().st_size > most:
            return b""
        return path.read_bytes()
    except OSError:
        return b""
