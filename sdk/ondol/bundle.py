"""A bundle: one model ready to run, in a folder that proves itself."""

import errno
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ondol import manifest as manifests
from ondol.errors import BundleNotFound, CorruptBundle, UnsafePath, WrongKind
from ondol.language import say
from ondol.manifest import (
    MANIFEST,
    FileEntry,
    Manifest,
    Variant,
)
from ondol.model_facts import EncoderFacts, Facts, ModelFacts, SpeechFacts

Progress = Callable[[int, int], None]
"""Called with bytes done and bytes in all."""

_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle: its folder and what its manifest says."""

    path: Path
    manifest: Manifest

    @classmethod
    def open(cls, path: Path) -> "Bundle":
        """Read a bundle's manifest and check that its files are there, whole in size.

        Raises:
            BundleNotFound: if the folder or its manifest is not there.
            CorruptBundle, UnsafePath: if the manifest or a file's size does not hold.
        """
        try:
            if not (path / MANIFEST).is_file():  # open() would wait forever on a FIFO
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            with (path / MANIFEST).open("rb") as file:
                text = file.read(manifests.MAX_BYTES + 1)
        except OSError as exc:
            raise BundleNotFound(
                say(f"No bundle here: {path}", f"번들이 없습니다: {path}"),
                say(
                    f"{MANIFEST} cannot be read ({exc.strerror}).",
                    f"{MANIFEST}을 읽을 수 없습니다({exc.strerror}).",
                ),
                say("List bundles: ondol models", "번들 목록 보기: ondol models"),
            ) from exc
        bundle = cls(path, manifests.parse(text, path.name))
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
        raise _wrong_kind(self.name, model, "text generator", "글을 쓰는 모델")

    @property
    def encoder(self) -> EncoderFacts:
        """What its encoder is like.

        Raises:
            WrongKind: if its model is no encoder of text.
        """
        model = self.manifest.model
        if isinstance(model, EncoderFacts):
            return model
        raise _wrong_kind(self.name, model, "text encoder", "글을 읽는 인코더 모델")

    @property
    def speech(self) -> SpeechFacts:
        """What its speech recogniser is like.

        Raises:
            WrongKind: if its model is no speech recogniser.
        """
        model = self.manifest.model
        if isinstance(model, SpeechFacts):
            return model
        raise _wrong_kind(self.name, model, "speech recogniser", "음성 인식 모델")

    def file(self, name: str) -> Path:
        """The path of one of the manifest's files."""
        if all(entry.path != name for entry in self.manifest.files):
            raise CorruptBundle(
                say(f"{self.name} has no file {name}.", f"{self.name}에 {name} 파일이 없습니다.")
            )
        return self.path / name

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
            with self._readable(entry), self._sized(entry).open("rb", buffering=0) as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
                    done += len(chunk)
                    if progress:
                        progress(done, total)
            if digest.hexdigest() != entry.sha256:
                raise CorruptBundle(
                    say(
                        f"{self.name}: {entry.path} is not what was packed.",
                        f"{self.name}: {entry.path}의 내용이 처음과 다릅니다.",
                    ),
                    say("Its SHA-256 differs from the manifest.", "SHA-256이 목록과 다릅니다."),
                    say(
                        "Get the bundle again, or convert the model again.",
                        "번들을 다시 받거나 모델을 다시 변환하세요.",
                    ),
                )

    @contextmanager
    def _readable(self, entry: FileEntry) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            raise CorruptBundle(
                say(
                    f"{self.name}: {entry.path} cannot be read.",
                    f"{self.name}: {entry.path}을(를) 읽을 수 없습니다.",
                ),
                f"{type(exc).__name__}: {exc.strerror or exc}",
                say("Check the folder and its permissions.", "폴더와 권한을 확인하세요."),
            ) from exc

    def _sized(self, entry: FileEntry) -> Path:
        with self._readable(entry):
            return self._checked(entry)

    def _checked(self, entry: FileEntry) -> Path:
        path = self.path / entry.path
        if path.is_symlink() or not path.resolve().is_relative_to(self.path.resolve()):
            raise UnsafePath(
                say(
                    f"{self.name}: {entry.path} leads out of the bundle.",
                    f"{self.name}: {entry.path}이(가) 번들 밖으로 이어집니다.",
                ),
                say(
                    "A link stands where a file should be.",
                    "파일이 있어야 할 자리에 링크가 있습니다.",
                ),
            )
        size = path.stat().st_size if path.is_file() else -1
        if size != entry.size:
            found = say("missing", "없음") if size < 0 else f"{size}"
            raise CorruptBundle(
                say(
                    f"{self.name}: {entry.path} is not whole.",
                    f"{self.name}: {entry.path}이(가) 온전하지 않습니다.",
                ),
                say(
                    f"{entry.size} bytes expected, found: {found}.",
                    f"{entry.size}바이트여야 하는데 {found}입니다.",
                ),
                say(
                    "Get the bundle again, or convert the model again.",
                    "번들을 다시 받거나 모델을 다시 변환하세요.",
                ),
            )
        return path


def _wrong_kind(name: str, model: Facts, english: str, korean: str) -> WrongKind:
    called, said, use = {
        ModelFacts: (
            "generates text",
            "글을 쓰는 모델입니다.",
            f"ondol chat {name}",
        ),
        EncoderFacts: (
            "encodes text",
            "글을 벡터나 이름표로 바꾸는 인코더입니다.",
            "ondol.encoder.Encoder.open(...)",
        ),
        SpeechFacts: (
            "recognises speech",
            "음성을 글로 바꾸는 모델입니다.",
            "ondol.speech.Recogniser.open(...)",
        ),
    }[type(model)]
    return WrongKind(
        say(f"{name} is no {english}.", f"{name}은(는) {korean}이 아닙니다."),
        say(f"Its model, {model.model_type}, {called}.", f"{model.model_type}: {said}"),
        say(f"Use it so: {use}", f"이렇게 쓰세요: {use}"),
    )


def entry_of(folder: Path, name: str) -> FileEntry:
    """The manifest's entry for a file that was just written."""
    with (folder / name).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(name, (folder / name).stat().st_size, digest)
