"""A quality report into a bundle that exists: the old bundle stays whole until the new one is."""

import os
import shutil
from dataclasses import replace
from pathlib import Path

from ondol.bundle import Bundle, entry_of
from ondol.errors import OptionError
from ondol.files import replaced_folder, write_whole
from ondol.language import say
from ondol.manifest import MANIFEST, Manifest
from ondol.quality import QUALITY, Quality


def save_quality(bundle: Bundle, quality: Quality) -> Bundle:
    """Put a report into a bundle's folder, listed in its manifest, in place of an older one.

    A new folder takes the old one's place in one step; weights are linked, not copied, where
    the disk can link.

    Raises:
        OptionError: if the bundle is signed; BundleError: if it is a `.ondol` file.
        Busy, DiskFull, StorageError: as the disk says; the bundle is as it was.
    """
    check_saveable(bundle)
    with replaced_folder(bundle.path) as folder:
        for path in sorted(bundle.path.rglob("*")):
            if path.is_file() and path.relative_to(bundle.path).as_posix() not in (
                MANIFEST,
                QUALITY,
            ):
                _bring(path, folder / path.relative_to(bundle.path))
        write_quality(folder, bundle.manifest, quality)
        Bundle.open(folder)
    return Bundle.open(bundle.path)


def write_quality(folder: Path, manifest: Manifest, quality: Quality) -> Manifest:
    """Write a report and the manifest that lists it into a folder nobody uses yet."""
    write_whole(folder / QUALITY, quality.to_json().encode())
    files = [entry for entry in manifest.files if entry.path != QUALITY]
    changed = replace(manifest, files=(*files, entry_of(folder, QUALITY)))
    write_whole(folder / MANIFEST, changed.to_json().encode())
    return changed


def check_saveable(bundle: Bundle) -> None:
    """Refuse early, before anything is measured.

    Raises:
        OptionError: if the bundle is signed; BundleError: if it is a `.ondol` file.
    """
    _ = bundle.folder
    if bundle.signature_bytes() is not None:
        raise OptionError(
            say(
                f"{bundle.name} is signed, and stays as it is.",
                f"{bundle.name}은(는) 서명된 번들이라 고칠 수 없습니다.",
            ),
            say(
                "A report changes the manifest, and its signature would no longer hold.",
                "보고서를 넣으면 목록 파일이 바뀌어 서명이 맞지 않게 됩니다.",
            ),
            say(
                f"Measure without --save; or remove the signature, save, and sign again: "
                f"ondol sign {bundle.name} --remove",
                f"--save 없이 재거나, 서명을 지우고 저장한 뒤 다시 서명하세요: "
                f"ondol sign {bundle.name} --remove",
            ),
        )


def _bring(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:  # a disk without hard links
        shutil.copy2(path, place, follow_symlinks=False)
