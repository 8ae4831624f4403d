"""`ondol-source.json`: where pulled files are from, for the manifest of what is made of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from ondol.errors import CorruptSource
from ondol.files import write_whole
from ondol.language import say
from ondol_converters.hub.listing import plain_path

NAME = "ondol-source.json"
VERSION = 1
MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class PulledFile:
    """A file that was fetched: its path below the folder, bytes, and SHA-256 in hex."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Record:
    """A pull: the hub, the repository, the revision asked for and the commit it stood for.

    `licence` is the name that the model's card gives, "" where it gives none.
    """

    ondol_source: int
    hub: str
    repository: str
    revision: str
    commit: str
    licence: str
    files: tuple[PulledFile, ...]

    def write(self, folder: Path) -> None:
        """Put the record beside the files."""
        text = json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"
        write_whole(folder / NAME, text.encode())

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """The record of a folder, or None where nothing was pulled.

        Raises:
            CorruptSource: if there is one that does not hold.
        """
        path = folder / NAME
        if not path.is_file():
            return None
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError("too long")
            return cls._built(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as exc:
            raise CorruptSource(
                say(f"{path} does not hold.", f"{path}이(가) 올바르지 않습니다."),
                f"{type(exc).__name__}: {exc}"[:200],
                say(
                    "Pull the model again, or remove this file.",
                    "모델을 다시 받거나 이 파일을 지우세요.",
                ),
            ) from exc

    @classmethod
    def _built(cls, data: Any) -> Self:
        texts = ("hub", "repository", "revision", "commit", "licence")
        if not isinstance(data, Mapping) or set(data) != {"ondol_source", "files", *texts}:
            raise ValueError("unknown or missing keys")
        if data["ondol_source"] != VERSION or not all(_line(data[name]) for name in texts):
            raise ValueError("a field does not hold")
        if not re.fullmatch(r"[0-9a-f]{40}", data["commit"]):
            raise ValueError("commit")
        files = tuple(PulledFile(**each) for each in data["files"])
        for each in files:
            if not plain_path(each.path) or not isinstance(each.size, int):
                raise ValueError("files")
            if not re.fullmatch(r"[0-9a-f]{64}", each.sha256):
                raise ValueError("sha256")
        hub, repository, revision, commit, licence = (str(data[name]) for name in texts)
        return cls(VERSION, hub, repository, revision, commit, licence, files)


def _line(text: object) -> bool:
    return isinstance(text, str) and len(text) <= 500 and (text.isprintable() or not text)


def provenance(path: Path, origins: Mapping[str, str]) -> str:
    """What a manifest says of where a model is from; "" where nothing was pulled.

    Args:
        path: the GGUF file or the folder that is converted.
        origins: SHA-256 in hex by name, of every file that the conversion read.

    Raises:
        CorruptSource: if the folder's record does not hold.
    """
    record = Record.read(path if path.is_dir() else path.parent)
    if record is None:
        return ""
    known = {file.path: file.sha256 for file in record.files}
    if not path.is_dir() and path.name not in known:
        return ""
    changed = sorted(name for name, sha256 in origins.items() if known.get(name) != sha256)
    said = f"{record.hub}/{record.repository}@{record.commit}"
    return said + (f" (changed since: {', '.join(changed)})" if changed else "")
