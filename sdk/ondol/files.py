"""Writing to a disk so that nothing is half-done: locks, whole replacements, named errors."""

import errno
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ondol.errors import Busy, DiskFull, StorageError
from ondol.language import say

HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
"""What systems say of a lock that another process holds."""


@contextmanager
def storage_errors(where: Path) -> Iterator[None]:
    """Turn an OSError of writing below `where` into a named error.

    Raises:
        DiskFull: no space or quota left.
        StorageError: any other refusal, with the system's own reason.
    """
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise DiskFull(
                say(f"The disk is full: {where}", f"디스크가 가득 찼습니다: {where}"),
                say(
                    "What was half-written is removed; what was there before is untouched.",
                    "쓰다 만 것은 지웠고, 전에 있던 것은 그대로입니다.",
                ),
                say(
                    "Free some space, or set ONDOL_HOME to a larger disk.",
                    "공간을 비우거나 ONDOL_HOME을 더 큰 디스크로 정하세요.",
                ),
            ) from exc
        raise StorageError(
            say(f"Cannot write: {where}", f"쓸 수 없습니다: {where}"),
            f"{type(exc).__name__}: {exc.strerror or exc}",
            say("Check the folder and its permissions.", "폴더와 권한을 확인하세요."),
        ) from exc


def _lock(file: IO[str]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _lock_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.lock")


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold the only right to replace `target`; the system frees it if this process dies.

    Raises:
        Busy: if another process holds it.
    """
    with storage_errors(target.parent):
        target.parent.mkdir(parents=True, exist_ok=True)
        file = _lock_of(target).open("w", encoding="utf-8")
    with file:
        try:
            _lock(file)
        except OSError as exc:
            if exc.errno not in HELD:
                with storage_errors(target):
                    raise
            raise Busy(
                say(
                    f"Another process is writing {target.name}.",
                    f"다른 프로세스가 {target.name}을(를) 쓰고 있습니다.",
                ),
                str(target),
                say("Wait until it is done, then try again.", "끝나기를 기다렸다가 다시 하세요."),
            ) from exc
        yield


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the system can."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, flush it to the disk, then rename it into place."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    with storage_errors(path):
        try:
            with temporary.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def replaced_file(target: Path) -> Iterator[IO[bytes]]:
    """A new file to fill, which takes the place of `target` only if the block ends well.

    Raises:
        Busy: if another process is filling one for the same target.
        DiskFull, StorageError: on what the disk refuses; `target` is as it was.
    """
    target = target.resolve()
    with locked(target), storage_errors(target):
        for leftover in _leftovers(target):
            leftover.unlink()
        fresh = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            with fresh.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
            sync_folder(target.parent)
        finally:
            fresh.unlink(missing_ok=True)


def _old(target: Path) -> Path:
    return target.with_name(f".{target.name}.old")


def _recover(target: Path) -> None:
    if _old(target).exists() and not target.exists():
        _old(target).rename(target)


def recover(target: Path) -> None:
    """Undo a replacement that died between its two renames: the old folder comes back.

    Nothing is done while another process is replacing it, or where the disk refuses.
    """
    if target.exists() or not _old(target).exists():
        return
    with suppress(StorageError), locked(target), storage_errors(target):
        _recover(target)


def _leftovers(target: Path) -> list[Path]:
    """What killed processes left half-filled; no other target's, whatever its name."""
    pattern = re.compile(rf"\.{re.escape(target.name)}\.\d+\.partial")
    return [path for path in target.parent.iterdir() if pattern.fullmatch(path.name)]


@contextmanager
def replaced_folder(target: Path) -> Iterator[Path]:
    """A new folder to fill, which takes the place of `target` only if the block ends well.

    Raises:
        Busy: if another process is filling one for the same target.
        DiskFull, StorageError: on what the disk refuses; `target` is as it was.
    """
    target = target.resolve()  # through a link: the folder it leads to is replaced, not the link
    with locked(target), storage_errors(target):
        _recover(target)
        for leftover in _leftovers(target):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh = target.with_name(f".{target.name}.{os.getpid()}.partial")
        fresh.mkdir()
        old = _old(target)
        try:
            yield fresh
            sync_folder(fresh)
            if target.exists():
                shutil.rmtree(old, ignore_errors=True)
                target.rename(old)
            fresh.rename(target)
            sync_folder(target.parent)
        finally:
            _recover(target)
            shutil.rmtree(fresh, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)


@contextmanager
def temporary_folder(parent: Path, name: str) -> Iterator[Path]:
    """A new folder `{name}-*` that is gone after the block; those of killed processes go first.

    Raises:
        DiskFull, StorageError: on what the disk refuses, in the block too.
    """
    with storage_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        for path in parent.iterdir():
            if re.fullmatch(rf"{re.escape(name)}-[0-9a-f]{{16}}", path.name):
                _remove(path)
    fresh = parent / f"{name}-{os.urandom(8).hex()}"
    try:
        with locked(fresh), storage_errors(fresh):
            fresh.mkdir()
            yield fresh
    finally:
        _remove(fresh)


def _remove(folder: Path) -> None:
    """Remove a temporary folder and its lock, but not what is another's that is alive."""
    try:
        with locked(folder):
            shutil.rmtree(folder, ignore_errors=True)
    except (Busy, StorageError):
        return
    with suppress(OSError):
        _lock_of(folder).unlink()
