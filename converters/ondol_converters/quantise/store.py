"""Rounded matrices on the disk: rounded once, and used by every bundle that chooses them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ondol_converters.quantise.repack import Blocks
from ondol_converters.quantise.stretch import Stretch
from ondol_converters.recipe import Layout


class BlockStore:
    """Rounded matrices on the disk, by name and layout; `stretch` says how they were stretched."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.stretch = Stretch()

    def put(self, name: str, layout: Layout, blocks: Blocks) -> None:
        """Keep a rounded matrix."""
        quants, scales = self._paths(name, layout)
        np.save(quants, blocks.quants)
        np.save(scales, blocks.scales)

    def get(self, name: str, layout: Layout) -> Blocks:
        """A rounded matrix, mapped."""
        quants, scales = (np.load(path, mmap_mode="r") for path in self._paths(name, layout))
        return Blocks(layout.bits, layout.block, quants, scales)

    def dense(self, name: str, layout: Layout) -> NDArray[np.float32]:
        """A rounded matrix in the place of the source's: float32 [rows, columns], unstretched."""
        blocks = self.get(name, layout)
        values = blocks.dense(blocks.scales.shape[1] * layout.block)
        if name in self.stretch.columns:
            values /= self.stretch.columns[name]
        if name in self.stretch.rows:
            values *= self.stretch.rows[name][:, None]
        return values

    def holds(self, name: str, layout: Layout) -> bool:
        """Whether it was put here."""
        return all(path.exists() for path in self._paths(name, layout))

    def _paths(self, name: str, layout: Layout) -> tuple[Path, Path]:
        stem = f"{name}-{layout.bits}-{layout.block}-{layout.method}"
        return self._folder / f"{stem}.quants.npy", self._folder / f"{stem}.scales.npy"
