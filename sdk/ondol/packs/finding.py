"""Which pack a name means: a folder, one of the user's, or one that comes with Ondol."""

from importlib.resources import files
from pathlib import Path

from ondol import store
from ondol.errors import BadPack
from ondol.language import say
from ondol.manifest import plain_name
from ondol.packs.pack import SETTINGS, Pack


def folders() -> tuple[Path, ...]:
    """Where packs are looked for: the user's first, then Ondol's own."""
    return store.home() / "packs", Path(str(files("ondol.packs") / "data"))


def names() -> dict[str, Path]:
    """The packs there are by name; a user's hides one of Ondol's."""
    found: dict[str, Path] = {}
    for folder in reversed(folders()):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if (path / SETTINGS).is_file() and not path.name.startswith("."):
                    found[path.name] = path
    return dict(sorted(found.items()))


def find_pack(name: str) -> Pack:
    """A pack by its folder or its name.

    Raises:
        BadPack: if there is none, or it does not hold.
    """
    here = Path(name)
    if (here / SETTINGS).is_file():
        return Pack.open(here)
    known = names()
    if name in known:
        return Pack.open(known[name])
    if not plain_name(name) and here.is_dir():
        return Pack.open(here)  # says what is missing there
    raise BadPack(
        say(f"There is no assistant {name!r:.80}.", f"{name!r:.80} 어시스턴트가 없습니다."),
        say("Known: ", "있는 것: ") + ", ".join(known),
        say("List them: ondol assistant list", "목록 보기: ondol assistant list"),
    )
