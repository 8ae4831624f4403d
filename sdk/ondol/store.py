"""Where bundles live on this machine. Nothing here opens a socket."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ondol.archive import SUFFIX
from ondol.bundle import Bundle
from ondol.errors import BundleError, BundleNotFound
from ondol.files import recover
from ondol.language import say
from ondol.manifest import MANIFEST, plain_name


def home() -> Path:
    """The folder of Ondol's data: ONDOL_HOME, else where the system keeps such things."""
    chosen = os.environ.get("ONDOL_HOME")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "Ondol"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local") / "Ondol"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "ondol"


def folder() -> Path:
    """The folder of bundles."""
    return home() / "bundles"


def paths() -> Iterator[Path]:
    """The store's folders and `.ondol` files that should be bundles, by name."""
    if folder().is_dir():
        for path in sorted(folder().iterdir()):
            if not path.name.startswith(".") and (path.is_dir() or path.suffix == SUFFIX):
                yield path


def bundles() -> Iterator[Bundle | BundleError]:
    """Every bundle of the store by name; one that cannot be opened comes as its error."""
    for path in paths():
        try:
            yield Bundle.open(path)
        except BundleError as exc:
            yield exc


def find(name: str) -> Bundle:
    """A bundle by its name in the store, or by a path.

    Raises:
        BundleNotFound: if there is neither.
        CorruptBundle, UnsafePath: if it is there but does not hold.
    """
    found = _there(name)
    if found is not None:
        return Bundle.open(found)
    raise BundleNotFound(
        say(f"There is no bundle {name!r}.", f"{name!r} 번들이 없습니다."),
        say(f"Looked in {folder()} and at that path.", f"{folder()}와 그 경로를 찾아보았습니다."),
        say(
            "List bundles: ondol models. Make one: ondol convert MODEL",
            "목록 보기: ondol models. 만들기: ondol convert MODEL",
        ),
    )


def _there(name: str) -> Path | None:
    here = Path(name)
    try:
        recover(here)
        if (here / MANIFEST).exists() or (here.suffix == SUFFIX and here.is_file()):
            return here
        stored = folder() / name
        if plain_name(name):
            recover(stored)
            packed = stored.with_name(name + SUFFIX)
            return next((path for path in (stored, packed) if path.exists()), None)
    except (OSError, ValueError):
        pass  # not a name that this system could look up: too long, or no text
    return None
