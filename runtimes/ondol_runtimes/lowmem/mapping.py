"""Pieces of a graph whose packed weights are mapped from a file instead of held in memory.

ONNX Runtime can write what its kernels packed, and map it when the graph is opened again
(`session.save_external_prepacked_constant_initializers`): the same kernels on the same numbers.
How they pack depends on the processor, so this is done where the model runs; the files are
removed as soon as they are mapped, and the disk is free again when the session is closed.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ondol.bundle import Bundle
from ondol.errors import DiskFull
from ondol.files import temporary_folder
from ondol.language import say
from ondol.memory import release_unused
from ondol.store import home
from ondol_runtimes._inference import SAVE_PACKED, WEIGHTS_FOLDER, Settings
from ondol_runtimes._onnxruntime import ort
from ondol_runtimes._package import CPU, PackageGraph, register_arena, session_options
from ondol_runtimes._packed import in_one_file
from ondol_runtimes._pages import drop_file
from ondol_runtimes.lowmem.cutting import Piece

ROOM = 2.2  # bytes on the disk for one of the weights: they themselves, packed copies, scales
GRAPH, PACKED = "piece.onnx", "piece.bin"


@dataclass(frozen=True, slots=True)
class Mapped:
    """An open piece, and the file of its packed weights; None where it has none."""

    piece: Piece
    graph: PackageGraph
    path: Path
    inode: int | None
    size_bytes: int

    def give_back(self) -> None:
        """Let go of the pages of its weights; they come back from the file when touched."""
        if self.inode is not None:
            drop_file(self.path, self.inode)


def graph_bytes(bundle: Bundle, name: str) -> tuple[bytes, Path]:
    """A graph of a bundle, and the folder in which its weights lie."""
    if bundle.packed is None:
        return bundle.read(name), bundle.path.resolve()
    return in_one_file(bundle, name), bundle.path.resolve().parent


def open_mapped(
    pieces: Sequence[Piece], weights: Path, settings: Settings, *, lean: bool
) -> Iterator[Mapped]:
    """Open pieces in order, each packed on its own; `lean` gives back what opening mapped.

    Raises:
        DiskFull: if what is packed does not fit on the disk.
    """
    with _scratch(sum(piece.size_bytes for piece in pieces)) as folder:
        for number, piece in enumerate(pieces):
            place = folder / str(number)
            place.mkdir()
            _pack(piece, weights, place)
            release_unused()
            opened = _open(piece, place, settings)
            if lean:
                opened.give_back()
            yield opened
            shutil.rmtree(place)


def _pack(piece: Piece, weights: Path, place: Path) -> None:
    options = session_options(Settings(1, spin=False))
    options.optimized_model_filepath = str(place / GRAPH)
    options.add_session_config_entry(WEIGHTS_FOLDER, str(weights))
    for key, value in SAVE_PACKED.items():
        options.add_session_config_entry(key, value)
    ort.InferenceSession(piece.graph, options, providers=list(CPU), enable_fallback=0)


def _open(piece: Piece, place: Path, settings: Settings) -> Mapped:
    packed = place / PACKED
    if packed.exists():
        # What is not yet on the disk counts as the process' own memory
        with packed.open("rb+") as file:
            os.fsync(file.fileno())
    register_arena()
    options = session_options(settings)
    path = str(place / GRAPH)
    session = ort.InferenceSession(path, options, providers=list(CPU), enable_fallback=0)
    found = packed.stat() if packed.exists() else None
    inode, size = (found.st_ino, found.st_size) if found else (None, 0)
    return Mapped(piece, PackageGraph(session), packed.resolve(), inode, size)


@contextmanager
def _scratch(size_bytes: int) -> Iterator[Path]:
    root = home() / "lowmem"
    with temporary_folder(root, "open") as folder:
        free, needed = shutil.disk_usage(root).free, int(size_bytes * ROOM)
        if free < needed:
            raise DiskFull(
                say(
                    "The packed weights do not fit on the disk.",
                    "준비한 가중치를 둘 디스크 공간이 모자랍니다.",
                ),
                say(
                    f"{root}: {free / 1e6:.0f} MB are free, {needed / 1e6:.0f} MB are needed.",
                    f"{root}: {free / 1e6:.0f} MB가 남았고 {needed / 1e6:.0f} MB가 필요합니다.",
                ),
                say(
                    "Free some space, or set ONDOL_HOME.",
                    "공간을 비우거나 ONDOL_HOME을 바꾸세요.",
                ),
            )
        yield folder
