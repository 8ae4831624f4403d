"""The two tables beside this file: licences by name, and models whose terms are known."""

import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Literal

Kind = Literal["commercial", "conditional", "research-only", "unknown"]

STRICTNESS: tuple[Kind, ...] = ("unknown", "commercial", "conditional", "research-only")
"""Classes, the strictest last; unknown is no claim at all."""

MOST_TEXT = 6000  # characters of a text in which its title has to come


@dataclass(frozen=True, slots=True)
class KnownLicence:
    """A licence: its class, what cards call it, a phrase of its text, and where to read it.

    `says` is in lower case without punctuation. `text` names a standard text beside this file.
    """

    name: str
    kind: Kind
    ids: tuple[str, ...]
    says: str
    link: str
    text: str = ""
    note: str = ""

    def standard_text(self) -> bytes:
        """The standard text that is shipped; empty where none is."""
        return _file(self.text) if self.text else b""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """Models by globs of their names, the licence they are under, and where that was read."""

    title: str
    match: tuple[str, ...]
    licence: str
    source: str


@cache
def licences() -> tuple[KnownLicence, ...]:
    """Every licence of the table."""
    rows = tomllib.loads(_file("licences.toml").decode())["licence"]
    return tuple(KnownLicence(**row | {"ids": tuple(row["ids"])}) for row in rows)


@cache
def models() -> tuple[KnownModel, ...]:
    """Every model of the table, the particular before the general."""
    rows = tomllib.loads(_file("models.toml").decode())["model"]
    return tuple(KnownModel(**row | {"match": tuple(row["match"])}) for row in rows)


def by_name(name: str) -> KnownLicence | None:
    """A licence by its name or by what a model card calls it, in any case."""
    wanted = name.strip().casefold()
    return next((x for x in licences() if wanted in (x.name.casefold(), *x.ids)), None)


def by_text(text: str) -> KnownLicence | None:
    """The licence whose own phrase comes earliest in a text, the longer phrase first."""
    plain = _words(text[: 2 * MOST_TEXT])[:MOST_TEXT]
    places = [(plain.find(x.says), -len(x.says), x.name) for x in licences()]
    found = sorted(place for place in places if place[0] >= 0)
    return by_name(found[0][2]) if found else None


def by_model(name: str) -> KnownModel | None:
    """What is known of a model by a name such as OWNER/NAME."""
    plain = re.sub(r"[_\s]+", "-", name.strip().casefold())
    return next((x for x in models() if any(fnmatchcase(plain, g) for g in x.match)), None)


def stricter(first: Kind, second: Kind) -> bool:
    """Whether the first class allows less than the second."""
    return STRICTNESS.index(first) > STRICTNESS.index(second)


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9]+", text.casefold()))


def _file(name: str) -> bytes:
    return files("ondol_converters.licences").joinpath(name).read_bytes()
