"""A bundle: one model ready to run, in a folder or one `.ondol` file, that proves itself."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ondol import archive
from ondol import bundle_faults as faults
from ondol import manifest as manifests
from ondol.archive import Place
from ondol.errors import BundleNotFound
from ondol.language import say
from ondol.manifest import (
    MANIFEST,
    SIGNATURE,
    FileEntry,
    Manifest,
    Variant,
)
from ondol.model_facts import EncoderFacts, ModelFacts, SpeechFacts

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""

MOST_SIGNATURE = 1 << 16


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle: where it is and what its manifest says.

    `packed` are the members of a `.ondol` file and where they lie; None for a folder.
    """

    path: Path
    manifest: Manifest
    packed: Mapping[str, Place] | None = None

    @classmethod
    def open(cls, path: Path) -> "Bundle":
        """Read a bundle's manifest and check that its files are there, whole in size.

        Args:
            path: its folder, or its `.ondol` file, which is not unpacked.

        Raises:
            BundleNotFound: if the folder or its manifest is not there.
            CorruptBundle, UnsafePath: if the manifest or a file's size does not hold.
        """
        try:
            packed = archive.read(path) if path.is_file() else None
            text = _manifest_bytes(path, packed)
        except OSError as exc:
            raise BundleNotFound(
                say(f"No bundle here: {path}", f"번들이 없습니다: {path}"),
                say(
                    f"{MANIFEST} cannot be read ({exc.strerror}).",
                    f"{MANIFEST}을 읽을 수 없습니다({exc.strerror}).",
                ),
                say("List bundles: ondol models", "번들 목록 보기: ondol models"),
            ) from exc
        bundle = cls(path, manifests.parse(text, path.name), packed)
        for entry in bundle.manifest.files:
            bundle._sized(entry)
        return bundle

    @property
    def name(self) -> str:
        """The bundle's name."""
        return self.manifest.name

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(entry.size for entry in self.manifest.files)

    @property
    def decoder(self) -> ModelFacts:
        """What its decoder is like.

        Raises:
            WrongKind: if its model is no decoder of text.
        """
        model = self.manifest.model
        if isinstance(model, ModelFacts):
            return model
        raise faults.wrong_kind(self.name, model, "text generator", "글을 쓰는 모델")

    @property
    def encoder(self) -> EncoderFacts:
        """What its encoder is like.

        Raises:
            WrongKind: if its model is no encoder of text.
        """
        model = self.manifest.model
        if isinstance(model, EncoderFacts):
            return model
        raise faults.wrong_kind(self.name, model, "text encoder", "글을 읽는 인코더 모델")

    @property
    def speech(self) -> SpeechFacts:
        """What its speech recogniser is like.

        Raises:
            WrongKind: if its model is no speech recogniser.
        """
        model = self.manifest.model
        if isinstance(model, SpeechFacts):
            return model
        raise faults.wrong_kind(self.name, model, "speech recogniser", "음성 인식 모델")

    def place(self, name: str) -> Place:
        """Where the bytes of one of the manifest's files lie.

        Raises:
            CorruptBundle: if the manifest has no such file, or it is not whole.
        """
        entry = next((each for each in self.manifest.files if each.path == name), None)
        if entry is None:
            raise faults.no_file(self.name, name)
        return self._sized(entry)

    def read(self, name: str) -> bytes:
        """The bytes of one of the manifest's files, as they are now; errors as of `place`."""
        place = self.place(name)
        with self._readable(name):
            return place.read()

    def file(self, name: str) -> Path:
        """The path of one of the manifest's files.

        Raises:
            CorruptBundle: if the manifest has no such file.
            BundleError: of a `.ondol` file, whose members have no paths.
        """
        if all(entry.path != name for entry in self.manifest.files):
            raise faults.no_file(self.name, name)
        return self.folder / name

    def holder(self, name: str) -> Path:
        """The file on the disk that holds a file's bytes, whether or not the bundle has it."""
        return self.path / name if self.packed is None else self.path

    @property
    def folder(self) -> Path:
        """The folder of its files, to write into.

        Raises:
            BundleError: if it is a `.ondol` file.
        """
        if self.packed is None:
            return self.path
        raise faults.one_file(self.path)

    def manifest_bytes(self) -> bytes:
        """The manifest exactly as it is now, for its signature.

        Raises:
            CorruptBundle: if it cannot be read, or is not the one this bundle was opened with.
        """
        with self._readable(MANIFEST):
            text = _manifest_bytes(self.path, self.packed)
        if manifests.parse(text, self.path.name) != self.manifest:
            raise faults.changed(self.name)
        return text

    def signature_bytes(self) -> bytes | None:
        """What lies beside the manifest as its signature, cut off where it is far too long."""
        with self._readable(SIGNATURE):
            if self.packed is not None:
                place = self.packed.get(SIGNATURE)
                return None if place is None else place.head(MOST_SIGNATURE + 1)
            if not (self.path / SIGNATURE).is_file():
                return None
            with (self.path / SIGNATURE).open("rb") as file:
                return file.read(MOST_SIGNATURE + 1)

    def variant(self, target: str) -> Variant | None:
        """The graphs for a target, if the bundle has any."""
        return next((v for v in self.manifest.variants if v.target == target), None)

    def verify(self, names: Iterable[str] | None = None, progress: Progress | None = None) -> None:
        """Hash files and compare with the manifest: all of them, or those named.

        Raises:
            CorruptBundle: at the first file that differs, naming it.
        """
        chosen = None if names is None else set(names)
        entries = [e for e in self.manifest.files if chosen is None or e.path in chosen]
        total, done = sum(e.size for e in entries), 0
        for entry in entries:
            digest = hashlib.sha256()
            place = self._sized(entry)
            with self._readable(entry.path):
                for chunk in place.chunks():
                    digest.update(chunk)
                    done += len(chunk)
                    if progress:
                        progress(done, total)
            if digest.hexdigest() != entry.sha256:
                raise faults.differs(self.name, entry.path)

    @contextmanager
    def _readable(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise faults.unreadable(self.name, name, exc) from exc

    def _sized(self, entry: FileEntry) -> Place:
        with self._readable(entry.path):
            place = self._placed(entry)
        size = place.size if place else -1
        if place is None or size != entry.size:
            raise faults.not_whole(self.name, entry, size)
        return place

    def _placed(self, entry: FileEntry) -> Place | None:
        if self.packed is not None:
            return self.packed.get(entry.path)
        path = self.path / entry.path
        if path.is_symlink() or not path.resolve().is_relative_to(self.path.resolve()):
            raise faults.leads_out(self.name, entry.path)
        return Place.whole(path) if path.is_file() else None


def _manifest_bytes(path: Path, packed: Mapping[str, Place] | None) -> bytes:
    """At most one byte more than a manifest may have.

    Raises:
        OSError: if there is none.
    """
    if packed is not None:
        if MANIFEST in packed:
            return packed[MANIFEST].head(manifests.MAX_BYTES + 1)
    elif (path / MANIFEST).is_file():  # open() would wait forever on a FIFO
        with (path / MANIFEST).open("rb") as file:
            return file.read(manifests.MAX_BYTES + 1)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def entry_of(folder: Path, name: str) -> FileEntry:
    """The manifest's entry for a file that was just written."""
    with (folder / name).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(name, (folder / name).stat().st_size, digest)
