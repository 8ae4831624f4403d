"""Static graphs compiled for chips before they ship: EPContext files as variants of the bundle.

A context holds the weights too, in the order that the chip's HTP reads them in. Compiling needs
no phone; that what was compiled runs was seen in the emulator only, not on silicon.
"""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ondol.bundle import Bundle, entry_of
from ondol.device import Needs
from ondol.errors import DeviceUnavailable, OptionError
from ondol.files import replaced_folder, write_whole
from ondol.language import say
from ondol.manifest import MANIFEST, Manifest, Variant
from ondol_runtimes._onnxruntime import ort
from ondol_runtimes.qnn.context import check_context
from ondol_runtimes.qnn.device import CONTEXTS, GRAPHS, QnnRuntime, check_size
from ondol_runtimes.qnn.graph import refused
from ondol_runtimes.qnn.plugin import hushed, options
from ondol_runtimes.qnn.soc import Soc, soc_of

OPERATOR = "com.microsoft::EPContext"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A chip, the version of its HTP, the files compiled for it, and their bytes."""

    soc: str
    htp_version: int
    files: tuple[str, ...]
    context_bytes: int


def compile_bundle(
    bundle: Bundle, names: Sequence[str], progress: Progress | None = None
) -> tuple[Bundle, tuple[Compiled, ...]]:
    """Add a variant for each chip to a bundle's folder, in place of older ones for it.

    The old bundle is whole until the new one is; its other files are linked, not copied.

    Args:
        bundle: a folder with the variant `npu`.
        names: part numbers of chips.
        progress: told "compile", graphs done and graphs in all.

    Raises:
        OptionError: if a chip is unknown, or the bundle is signed.
        DeviceUnavailable: if onnxruntime-qnn is not here, or the bundle has no static graphs.
        UnsupportedOperators: naming the nodes that the HTP does not take.
        StorageError: as the disk says; the bundle is as it was.
    """
    socs = [soc_of(name) for name in dict.fromkeys(name.upper() for name in names)]
    graphs = _graphs(bundle)
    QnnRuntime()._require(bundle)
    bundle.verify()
    tell, done = progress or _silent, list[Compiled]()
    total = len(socs) * (1 + len(graphs.prefill))
    with replaced_folder(bundle.folder) as folder:
        manifest = bundle.manifest
        for at, soc in enumerate(socs):
            manifest = _without(manifest, soc)
            made = _Names(soc, graphs)
            for step, (graph, name) in enumerate(zip(made.sources, made.files, strict=True)):
                tell("compile", at * len(made.files) + step, total)
                _compile(bundle, graph, folder / name, soc)
            manifest = _with(manifest, folder, soc, made, graphs.needs)
            done.append(_told(folder, soc, made))
        tell("compile", total, total)
        for entry in manifest.files:
            if not (folder / entry.path).exists():
                _bring(bundle.folder / entry.path, folder / entry.path)
        write_whole(folder / MANIFEST, manifest.to_json().encode())
        checked = Bundle.open(folder)
        for soc, each in zip(socs, done, strict=True):
            for name in each.files:
                check_context(checked, name, soc)
    return Bundle.open(bundle.path), tuple(done)


class _Names:
    """Which graph becomes which file."""

    def __init__(self, soc: Soc, graphs: Variant) -> None:
        self.sources = (graphs.graph, *graphs.prefill)
        ends = ("", *(f"-prefill{i or ''}" for i in range(len(graphs.prefill))))
        self.files = tuple(f"qnn-{soc.name}{end}.onnx" for end in ends)


def _graphs(bundle: Bundle) -> Variant:
    found = bundle.variant(GRAPHS)
    if found is None:
        raise DeviceUnavailable(
            say(
                f"{bundle.name} has no graphs to compile.",
                f"{bundle.name}에 컴파일할 그래프가 없습니다.",
            ),
            say("It was converted for other targets.", "다른 대상용으로 변환된 번들입니다."),
            say("Convert the model with --target npu.", "--target npu로 모델을 변환하세요."),
        )
    _ = bundle.folder  # a .ondol file is refused by name
    if bundle.signature_bytes() is not None:
        raise OptionError(
            say(
                f"{bundle.name} is signed, and stays as it is.",
                f"{bundle.name}은(는) 서명된 번들이라 고칠 수 없습니다.",
            ),
            say(
                "New files change the manifest, and its signature would no longer hold.",
                "파일을 더하면 목록 파일이 바뀌어 서명이 맞지 않게 됩니다.",
            ),
            f"ondol sign {bundle.name} --remove",
        )
    return check_size(bundle, found)


def _compile(bundle: Bundle, graph: str, target: Path, soc: Soc) -> None:
    source = str(bundle.file(graph))
    with hushed():
        try:
            ort.ModelCompiler(
                options(soc), source, embed_compiled_data_into_model=True
            ).compile_to_file(str(target))
            return
        except Exception as exc:  # its errors share no base class
            failed = exc
    raise refused(bundle, graph, soc, failed) from failed


def _without(manifest: Manifest, soc: Soc) -> Manifest:
    """The manifest without what was compiled for a chip before."""
    old = [v for v in manifest.variants if v.target == f"{CONTEXTS}{soc.name}"]
    gone = {name for v in old for name in (v.graph, *v.prefill)}
    return replace(
        manifest,
        files=tuple(entry for entry in manifest.files if entry.path not in gone),
        variants=tuple(v for v in manifest.variants if v not in old),
    )


def _with(manifest: Manifest, folder: Path, soc: Soc, made: _Names, needs: Needs) -> Manifest:
    entries = tuple(entry_of(folder, name) for name in made.files)
    size = sum(entry.size for entry in entries)
    variant = Variant(
        f"{CONTEXTS}{soc.name}",
        made.files[0],
        made.files[1:],
        Needs((OPERATOR,), needs.precisions, size),
    )
    return replace(
        manifest, files=(*manifest.files, *entries), variants=(*manifest.variants, variant)
    )


def _told(folder: Path, soc: Soc, made: _Names) -> Compiled:
    size = sum((folder / name).stat().st_size for name in made.files)
    return Compiled(soc.name, soc.arch, made.files, size)


def _bring(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:  # a disk without hard links
        shutil.copy2(path, place, follow_symlinks=False)


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
