"""Every way to store every matrix, rounded once, with what it costs and how far it is off."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ondol_converters.budget.chain import LayerChain
from ondol_converters.budget.grams import grams, token_count
from ondol_converters.quantise.gptq import Factor, factor
from ondol_converters.quantise.layouts import narrowed
from ondol_converters.quantise.repack import Blocks
from ondol_converters.quantise.rounding import quantise
from ondol_converters.quantise.store import BlockStore
from ondol_converters.recipe import CALIBRATED, Layout

Floats = NDArray[np.float32]
ROW_ELEMENTS = 1 << 24  # of a matrix rounded at a time: 64 MB of float32

ERROR_ROWS = 512  # whose error is looked at: they agree on a matrix within some per cent

LAYOUTS = (
    Layout(8, 32, "nearest"),
    Layout(8, 128, "nearest"),
    Layout(4, 32, "gptq"),
    Layout(4, 64, "gptq"),
    Layout(4, 128, "gptq"),
)
"""What a budget chooses from, finest first."""

NARROW = (Layout(8, 16, "nearest"), Layout(4, 16, "gptq"))
"""For rows that no other block divides."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to store one matrix: its bytes with scales, and its mean squared output error.

    The error is of one token's output, summed over the rows, on the calibration text.
    """

    matrix: str
    layout: Layout
    bytes: int
    error: float


def usable(columns: int) -> list[Layout]:
    """The layouts whose blocks fill the rows of a matrix; none where no kernel's block does."""
    for layouts in (LAYOUTS, NARROW):
        found = [layout for layout in layouts if columns % layout.block == 0]
        if found:
            return found
    return []


def round_layers(
    chain: LayerChain,
    windows: Sequence[Sequence[int]],
    wanted: Callable[[str, int], Sequence[Layout]],
    store: BlockStore,
    progress: Callable[[int, int], None],
) -> Iterator[Candidate]:
    """Run text through the chain, and round each matrix by what it was multiplied with.

    Args:
        chain: the dequantised model.
        windows: token ids of the calibration text.
        wanted: the layouts for a matrix by name and columns.
        store: where the rounded matrices go.
        progress: called with layers done and all of them, the output matrix counting as one.
    """
    tokens = token_count(windows)
    for found in grams(chain, windows, progress):
        for name, gram in found.items():
            values = chain.values(name)
            layouts = wanted(name, values.shape[1])
            for layout, made in round_all(values, layouts, gram):
                store.put(name, layout, made)
                error = output_error(values, made, gram) / tokens
                yield Candidate(name, layout, stored_bytes(made), error)


def round_all(
    values: Floats, layouts: Sequence[Layout], gram: Floats
) -> Iterator[tuple[Layout, Blocks]]:
    """A matrix float32 [rows, columns] in each of some layouts, one after the other."""
    known: Factor | Floats = gram
    if any(layout.method == "gptq" for layout in layouts):
        known = factor(gram)
    for layout in layouts:
        sees = layout.method in (*CALIBRATED, "search")
        yield layout, rounded(values, layout, known if sees else None)


def rounded(values: Floats, layout: Layout, known: "Floats | Factor | None") -> Blocks:
    """A matrix rounded a run of rows at a time."""
    step = max(1, ROW_ELEMENTS // values.shape[1])
    parts = [
        quantise(np.ascontiguousarray(values[at : at + step]), layout, known)
        for at in range(0, len(values), step)
    ]
    return Blocks(
        layout.bits,
        layout.block,
        np.concatenate([part.quants for part in parts]),
        np.concatenate([part.scales for part in parts]),
    )


def stored_bytes(blocks: Blocks) -> int:
    """What blocks take in the file: quants, and scales in the width they are kept in."""
    return blocks.quants.nbytes + narrowed(blocks.scales, False).nbytes


def output_error(values: Floats, blocks: Blocks, gram: Floats) -> float:
    """The squared error of the product with all the inputs of a gram: sum of d G d^T over rows.

    Of many rows those of an even sample are looked at, and stand for the rest.
    """
    every = -(-len(values) // ERROR_ROWS)
    part = Blocks(blocks.bits, blocks.block, blocks.quants[::every], blocks.scales[::every])
    off = part.dense(values.shape[1]) - values[::every]
    seen = float(np.einsum("rk,rk->", off @ gram, off, dtype=np.float64))
    return seen * len(values) / len(off)


def by_matrix(candidates: Sequence[Candidate]) -> Mapping[str, list[Candidate]]:
    """Candidates of each matrix, in their order."""
    found: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        found.setdefault(candidate.matrix, []).append(candidate)
    return found
