"""A stranger's folder read safely: plain files inside it, of few and small sizes, and no links."""

import os
import stat
import unicodedata
from pathlib import Path

from ondol.errors import BadPack
from ondol.language import say

MOST_FILES = 500
MOST_DEPTH = 4
TEXT_BYTES = 1 << 20
"""The largest of the pack's own files: settings, glossary, samples, a schema."""
DOCUMENT_BYTES = 32 << 20
WHOLE_BYTES = 128 << 20


def files_of(folder: Path) -> dict[str, Path]:
    """The files of a pack by their names below it, with slashes and in NFC; hidden ones left out.

    Raises:
        BadPack: if it is no folder, holds a link or a device, or is too large.
    """
    found: dict[str, Path] = {}
    sizes = 0
    try:
        waiting = [(folder, "", 0)]
        while waiting:
            here, prefix, depth = waiting.pop()
            for entry in sorted(os.scandir(here), key=lambda each: each.name):
                if entry.name.startswith("."):
                    continue
                name = prefix + _plain(entry.name)
                mode = entry.stat(follow_symlinks=False)
                if entry.is_dir(follow_symlinks=False):
                    if depth == MOST_DEPTH:
                        raise bad_pack(name, say("Folders too deep.", "폴더가 너무 깊습니다."))
                    waiting.append((Path(entry.path), f"{name}/", depth + 1))
                    continue
                if not stat.S_ISREG(mode.st_mode):
                    why = say("It is a link or no file.", "링크이거나 보통 파일이 아닙니다.")
                    raise bad_pack(name, why)
                if name in found:
                    raise bad_pack(name, say("Two files in NFC.", "NFC로는 이름이 같습니다."))
                sizes += mode.st_size
                most = DOCUMENT_BYTES if name.startswith("documents/") else TEXT_BYTES
                if mode.st_size > most or sizes > WHOLE_BYTES or len(found) == MOST_FILES:
                    raise bad_pack(
                        name,
                        say(
                            f"Too large: {mode.st_size} bytes, {len(found) + 1} files.",
                            f"너무 큽니다: {mode.st_size}바이트, 파일 {len(found) + 1}개.",
                        ),
                    )
                found[name] = Path(entry.path)
    except OSError as exc:
        raise bad_pack(str(folder), exc.strerror or str(exc)) from exc
    return found


def text_of(path: Path, name: str) -> str:
    """A small text file of a pack, in NFC; a link that took its place meanwhile is not followed.

    Raises:
        BadPack: if it cannot be read, is too large or not UTF-8.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with open(handle, "rb") as file:
            data = file.read(TEXT_BYTES + 1)
        if len(data) > TEXT_BYTES:
            raise bad_pack(name, f"> {TEXT_BYTES} bytes")
        return unicodedata.normalize("NFC", data.decode("utf-8-sig"))
    except OSError as exc:
        raise bad_pack(name, exc.strerror or str(exc)) from exc
    except UnicodeDecodeError as exc:
        raise bad_pack(name, say("It is not UTF-8.", "UTF-8이 아닙니다.")) from exc


def bad_pack(where: str, why: str) -> BadPack:
    """The error of a pack: which file, and what is wrong with it."""
    return BadPack(
        say(f"The assistant pack does not hold: {where}", f"잘못된 어시스턴트 묶음입니다: {where}"),
        why,
        say(
            "See a pack that holds: ondol assistant new NAME",
            "올바른 예를 만들어 보세요: ondol assistant new 이름",
        ),
    )


def _plain(name: str) -> str:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise bad_pack(repr(name), say("Its name is no text.", "이름이 글이 아닙니다.")) from exc
    return unicodedata.normalize("NFC", name)
