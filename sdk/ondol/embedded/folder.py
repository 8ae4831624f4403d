"""Writes a folder that runs a bundle with a bare Python and numpy, whole or not at all."""

import importlib
import mmap
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ondol.bundle import Bundle, Progress
from ondol.embedded import example, licences
from ondol.embedded.modules import needed
from ondol.errors import DeviceUnavailable, MissingExtra, OptionError, WrongKind
from ondol.files import replaced_folder, sync_folder
from ondol.language import say
from ondol.packing import write_folder
from ondol.template import TEMPLATE
from ondol.tokenizer import Tokenizer
from ondol.tokenizing.layout import TABLE

ROOTS = ("ondol.engine", "ondol.session", "ondol_runtimes.capi.device")
OURS, TEMPLATES = ("ondol", "ondol_runtimes"), ("jinja2", "markupsafe")
BUNDLE, LIBRARY, LICENCES, EXAMPLE = "bundle", "lib", "licences", "chat.py"
NAMES = {".dll": "onnxruntime.dll", ".dylib": "libonnxruntime.dylib"}
ENTRY = b"OrtGetApiBase"


@dataclass(frozen=True, slots=True)
class Part:
    """What a part of the folder takes: files and bytes."""

    name: str
    files: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Embedded:
    """A folder that was written, part by part; `notes` are sentences for whoever ships it."""

    name: str
    path: str
    size_bytes: int
    parts: tuple[Part, ...]
    notes: tuple[str, ...]


def embed(
    bundle: Bundle, target: Path, *, library: Path | None = None, progress: Progress | None = None
) -> Embedded:
    """Write a bundle with all that answering takes into a new folder.

    Args:
        bundle: a decoder's.
        target: a folder that is not there yet.
        library: a libonnxruntime of the device's; None: the one that `capi` uses here.
        progress: called with bytes of the bundle done and in all.

    Raises:
        OptionError: if the target is there, or the library is none.
        WrongKind: if the model is no decoder, or its tokenizer needs a library.
        DeviceUnavailable: if no library was named and none is here.
        CorruptBundle: if a file is not what the manifest says.
        DiskFull, StorageError, Busy: if the disk refuses; nothing is left behind.
    """
    if target.exists() or target.is_symlink():
        raise OptionError(
            say(f"{target} is there already.", f"{target}이(가) 이미 있습니다."),
            say("Nothing is replaced.", "있는 것을 바꾸지 않습니다."),
            say("Choose another folder with --out.", "--out으로 다른 폴더를 고르세요."),
        )
    notes = [*_tokenizer_notes(bundle)]
    engine, texts = _library(library)
    if library is not None:
        notes.append(
            say(
                "The library was copied, not tried.",
                "라이브러리는 복사만 하고 실행해 보지 않았습니다.",
            )
        )
    templates = any(entry.path == TEMPLATE for entry in bundle.manifest.files)
    packages = (*OURS, *TEMPLATES) if templates else OURS
    sources = needed(ROOTS, packages)
    with replaced_folder(target) as folder:
        write_folder(bundle, folder / BUNDLE, progress)
        for place, path in sources.files.items():
            _put(folder / place, path.read_bytes())
        _put(folder / EXAMPLE, Path(example.__file__).read_bytes())
        _put(folder / LIBRARY / NAMES.get(engine.suffix, "libonnxruntime.so"), engine.read_bytes())
        owners = {"onnxruntime": texts, **{name: [*licences.of_package(name)] for name in packages}}
        del owners["ondol_runtimes"]
        for owner, found in owners.items():
            for path in found:
                _put(folder / LICENCES / owner / path.name, path.read_bytes())
            if not found:
                notes.append(
                    say(
                        f"No licence text of {owner} was found: add it.",
                        f"{owner}의 라이선스 전문을 찾지 못했습니다. 직접 넣으세요.",
                    )
                )
        parts = (*_bundle_parts(bundle, folder), *_parts(folder, packages))
        for path in [path for path in folder.rglob("*") if path.is_dir()]:
            sync_folder(path)
    total = sum(part.size_bytes for part in parts)
    return Embedded(bundle.name, str(target.resolve()), total, parts, tuple(notes))


def _tokenizer_notes(bundle: Bundle) -> Iterator[str]:
    """Prove that the tokenizer runs without the library."""
    facts = bundle.decoder
    try:
        Tokenizer.of(bundle, bos=facts.bos, eos=facts.eos, by="table")
    except MissingExtra as exc:
        raise WrongKind(
            say(f"{bundle.name} cannot be embedded.", f"{bundle.name}은(는) 넣을 수 없습니다."),
            say(
                "Its tokenizer runs only in the tokenizers library.",
                "토크나이저가 tokenizers 라이브러리에서만 돌아갑니다.",
            ),
            say("Choose a model with a BPE tokenizer.", "BPE 토크나이저를 쓰는 모델을 고르세요."),
        ) from exc
    if all(entry.path != TABLE for entry in bundle.manifest.files):
        yield say(
            f"The bundle has no {TABLE}: it is made at each start. Convert the model again.",
            f"번들에 {TABLE}이 없어 시작할 때마다 만듭니다. 모델을 다시 변환하세요.",
        )


def _library(named: Path | None) -> tuple[Path, list[Path]]:
    """The library's file, and its licence texts."""
    if named is not None:
        _is_engine(named)
        return named, list(licences.beside(named))
    found = importlib.import_module("ondol_runtimes.capi.find").find()
    if found.fault:
        raise DeviceUnavailable(
            say("There is no library to embed.", "넣을 라이브러리가 없습니다."),
            found.fault,
            say("Name one: --library FILE", "파일을 지정하세요: --library 파일"),
        )
    path: Path = found.path
    return path, list(licences.beside(path))


def _is_engine(path: Path) -> None:
    """Look for the name of the API's entry, for the file may be another processor's."""
    why = say(f"{ENTRY.decode()} is not in it.", f"{ENTRY.decode()}이(가) 들어 있지 않습니다.")
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data.find(ENTRY) >= 0:
                return
    except (OSError, ValueError) as exc:
        why = str(exc)
    raise OptionError(
        say(f"{path} is no ONNX Runtime.", f"{path}은(는) ONNX Runtime이 아닙니다."),
        why,
        say("Name a libonnxruntime: --library FILE", "libonnxruntime을 지정하세요: --library 파일"),
    )


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _bundle_parts(bundle: Bundle, folder: Path) -> Iterator[Part]:
    graphs = {name for v in bundle.manifest.variants for name in (v.graph, *v.prefill)}
    found: dict[str, list[Path]] = {
        "weights": [],
        "graphs": [],
        "tokenizer": [],
        "bundle, rest": [],
    }
    for path in _files([folder / BUNDLE]):
        name = path.relative_to(folder / BUNDLE).as_posix()
        kind = "graphs" if name in graphs else name.partition(".")[0]
        found[kind if kind in found else "bundle, rest"].append(path)
    for name, paths in found.items():
        yield _part(name, paths)


def _parts(folder: Path, packages: Iterable[str]) -> Iterator[Part]:
    others = [folder / name for name in packages if name not in OURS]
    yield _part("engine library", _files([folder / LIBRARY]))
    yield _part("ondol, ondol_runtimes", _files([folder / name for name in OURS]))
    if others:
        yield _part(", ".join(path.name for path in others), _files(others))
    yield _part("licences", _files([folder / LICENCES]))
    yield _part(EXAMPLE, [folder / EXAMPLE])


def _files(folders: Iterable[Path]) -> list[Path]:
    return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]


def _part(name: str, paths: list[Path]) -> Part:
    return Part(name, len(paths), sum(path.stat().st_size for path in paths))
