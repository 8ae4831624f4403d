"""`.ondol` files of a few members, for tests of their reading."""

from pathlib import Path

from ondol import archive
from ondol.archive import Member

FILES = {"manifest.json": b"{}", "글/작은.txt": "온돌".encode(), "weights.bin": bytes(40_000)}


def write_archive(path: Path, files: dict[str, bytes] = FILES) -> Path:
    with path.open("wb") as file:
        archive.write(file, [_member(*each) for each in files.items()], lambda size: None)
    return path


def _member(name: str, data: bytes) -> Member:
    return Member(name, len(data), lambda: [data[:7], data[7:]])
