"""Which files are meant by paths: folders through and through, links followed, no loop twice."""

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ondol.errors import OndolError
from ondol.language import say
from ondol.retrieval.errors import UnreadableDocument
from ondol.retrieval.readers.formats import known


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or why there is none. `name` is what the library calls it: absolute and in NFC."""

    name: str
    path: Path
    size: int
    error: OndolError | None = None


@dataclass(frozen=True, slots=True)
class Walked:
    """The files below some paths, and the folders that were read whole."""

    files: tuple[Found, ...]
    folders: tuple[str, ...]


def library_name(path: Path) -> str:
    """A file's name in a library: its absolute path in NFC, what is no Unicode replaced."""
    raw = os.fsencode(os.path.abspath(path))
    return unicodedata.normalize("NFC", raw.decode("utf-8", "replace"))


def walk(paths: Iterable[Path]) -> Walked:
    """Every file that is named, and those below folders whose format is known.

    Files and folders whose names begin with a full stop are left out below a folder.
    """
    walker = _Walker()
    for path in paths:
        walker.named(path)
    return Walked(tuple(walker.files.values()), tuple(walker.folders))


class _Walker:
    def __init__(self) -> None:
        self.files: dict[str, Found] = {}
        self.folders: list[str] = []
        self._seen: set[tuple[int, int]] = set()

    def named(self, path: Path) -> None:
        """Take a path that the user gave."""
        try:
            if path.is_dir():
                if self._folder(path):
                    self.folders.append(library_name(path))
            else:
                self._file(path, path.stat())
        except (OSError, ValueError) as exc:
            self._failed(path, exc)

    def _folder(self, path: Path) -> bool:
        """Take all below a folder; whether nothing of it stayed unread."""
        here = path.stat()
        if (here.st_dev, here.st_ino) in self._seen:
            return True
        self._seen.add((here.st_dev, here.st_ino))
        whole = True
        for each in sorted(path.iterdir()):
            if each.name.startswith("."):
                continue
            try:
                if each.is_dir():
                    whole = self._folder(each) and whole
                elif known(each.name) or each.is_symlink():
                    found = each.stat()
                    if known(each.name):
                        self._file(each, found)
            except OSError as exc:
                whole = False
                self._failed(each, exc)
        return whole

    def _file(self, path: Path, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            kind = stat.filemode(found.st_mode)
            self._take(
                path, 0, _unreadable(say(f"It is no file ({kind}).", f"파일이 아님({kind})"))
            )
        else:
            self._take(path, found.st_size, None)

    def _failed(self, path: Path, exc: OSError | ValueError) -> None:
        self._take(path, 0, unreadable(exc))

    def _take(self, path: Path, size: int, error: OndolError | None) -> None:
        name = library_name(path)
        before = self.files.get(name)
        if before is not None and os.fspath(before.path) != os.fspath(path):
            same = say("Two files have this name in NFC.", "NFC로는 이름이 같은 파일이 둘입니다.")
            if before.path.absolute() != path.absolute():
                name, error = f"{name} (2)", _unreadable(same)
        self.files[name] = Found(name, path, size, error)


def unreadable(exc: Exception) -> UnreadableDocument:
    """The error of a file that the system does not let be read."""
    reason = getattr(exc, "strerror", None) or str(exc)
    return _unreadable(f"{type(exc).__name__}: {reason}")


def _unreadable(why: str) -> UnreadableDocument:
    return UnreadableDocument(
        say("The document cannot be read.", "문서를 읽을 수 없습니다."),
        why,
        say("Check the path and its permissions.", "경로와 권한을 확인하세요."),
    )


def files_below(folders: Iterable[str], names: Iterable[str]) -> Iterator[str]:
    """Those names that lie below one of the folders."""
    prefixes = tuple(folder.rstrip(os.sep) + os.sep for folder in folders)
    return (name for name in names if prefixes and name.startswith(prefixes))
