"""Bundles from a folder into one `.ondol` file and back."""

import hashlib
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ondol import archive
from ondol import bundle_faults as faults
from ondol.archive import Member
from ondol.bundle import Bundle, Progress
from ondol.errors import OptionError
from ondol.files import replaced_file, replaced_folder
from ondol.language import say
from ondol.manifest import MANIFEST, SIGNATURE, FileEntry


def pack(
    bundle: Bundle,
    target: Path,
    *,
    signature: bytes | None = None,
    progress: Progress | None = None,
) -> Bundle:
    """Write a bundle as one file: the same bundle always as the same bytes.

    Args:
        bundle: a folder's, or another file's.
        target: the file; an older one is replaced only when the new one is whole.
        signature: a signature of the manifest; None: the bundle's own, if it has one.
        progress: called with bytes done and bytes in all.

    Raises:
        OptionError: if the target is a folder, or does not end in `.ondol`.
        CorruptBundle: if a file is not what the manifest says.
        DiskFull, StorageError, Busy: if the disk refuses; an older file is untouched.
    """
    if target.suffix != archive.SUFFIX or target.is_dir():
        raise OptionError(
            say(f"{target} cannot be the file.", f"{target}에 쓸 수 없습니다."),
            say(
                f"A bundle in one file is called NAME{archive.SUFFIX}.",
                f"파일 하나로 된 번들의 이름은 이름{archive.SUFFIX}입니다.",
            ),
            say("Choose another with --out.", "--out으로 다른 이름을 고르세요."),
        )
    total, done = bundle.size, 0

    def report(size: int) -> None:
        nonlocal done
        done = min(done + size, total)
        if progress:
            progress(done, total)

    with replaced_file(target) as file:
        archive.write(file, _members(bundle, signature), report)
    return Bundle.open(target)


def unpack(bundle: Bundle, target: Path, *, progress: Progress | None = None) -> Bundle:
    """Write a bundle as a folder with nothing in it but the manifest's files.

    Args:
        bundle: a file's, or another folder's.
        target: the folder; an older bundle there is replaced only when the new one is whole.
        progress: called with bytes done and bytes in all.

    Raises:
        OptionError: if the target is there and is no bundle.
        CorruptBundle: if a file is not what the manifest says.
        DiskFull, StorageError, Busy: if the disk refuses; an older folder is untouched.
    """
    if target.exists() and not (target / MANIFEST).is_file():
        raise OptionError(
            say(
                f"{target} is there and is no bundle.",
                f"{target}이(가) 이미 있는데 번들이 아닙니다.",
            ),
            say("It would be replaced.", "풀면 그 내용이 사라집니다."),
            say("Choose another folder with --out.", "--out으로 다른 폴더를 고르세요."),
        )
    with replaced_folder(target) as folder:
        write_folder(bundle, folder, progress)
    return Bundle.open(target)


def write_folder(bundle: Bundle, folder: Path, progress: Progress | None = None) -> None:
    """Write a bundle's files below an empty folder; errors and progress as of `unpack`."""
    total, done = bundle.size, 0
    for member in _members(bundle, None):
        path = folder / member.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            for chunk in member.chunks():
                file.write(chunk)
                done = min(done + len(chunk), total)
                if progress:
                    progress(done, total)
            file.flush()
            os.fsync(file.fileno())


def _members(bundle: Bundle, signature: bytes | None) -> Iterator[Member]:
    """Everything of a bundle that its manifest speaks for, small files first."""
    manifest = bundle.manifest_bytes()
    yield Member(MANIFEST, len(manifest), lambda: [manifest])
    signed = bundle.signature_bytes() if signature is None else signature
    if signed is not None:
        yield Member(SIGNATURE, len(signed), lambda: [signed])
    for entry in sorted(bundle.manifest.files, key=lambda each: (each.size, each.path)):
        yield Member(entry.path, entry.size, partial(_proven, bundle, entry))


def _proven(bundle: Bundle, entry: FileEntry) -> Iterator[bytes]:
    """A file's bytes, hashed as they pass.

    Raises:
        CorruptBundle: after the last, if they are not what the manifest says.
    """
    digest = hashlib.sha256()
    place = bundle.place(entry.path)
    try:
        for chunk in place.chunks():
            digest.update(chunk)
            yield chunk
    except OSError as exc:
        raise faults.unreadable(bundle.name, entry.path, exc) from exc
    if digest.hexdigest() != entry.sha256:
        raise faults.differs(bundle.name, entry.path)
