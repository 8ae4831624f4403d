"""Every way to store every matrix, rounded once, with what it costs and how far it is off."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ondol.plan import usable_cores
from ondol_converters.budget.chain import LayerChain
from ondol_converters.budget.grams import Seen, grams, token_count
from ondol_converters.quantise.gptq import Factor, factor
from ondol_converters.quantise.layouts import narrowed
from ondol_converters.quantise.repack import Blocks
from ondol_converters.quantise.rounding import quantise
from ondol_converters.quantise.smoothing import input_error, smoothing_scales
from ondol_converters.quantise.store import BlockStore
from ondol_converters.quantise.stretch import Shared, Stretch, stretched
from ondol_converters.recipe import CALIBRATED, Layout

Floats = NDArray[np.float32]
ROW_ELEMENTS = 1 << 23  # of a matrix rounded at a time by one thread: 32 MB of float32

SMOOTHED = 8  # bits: those that have precision to spare for activations
ERROR_ROWS = 512  # whose error is looked at: they agree on a matrix within some per cent

LAYOUTS = (
    Layout(8, 32, "nearest"),
    Layout(8, 64, "nearest"),
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
    """One way to store one matrix: its bytes with scales, and its mean squared output errors.

    The errors are of one token's output, summed over the rows, on the calibration text: `error`
    because weights are rounded, `activations` because kernels round what they are multiplied with.
    """

    matrix: str
    layout: Layout
    bytes: int
    error: float
    activations: float = 0.0


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

    Columns are smoothed first (`ondol_converters.quantise.smoothing`); the store says by how much.

    Args:
        chain: the dequantised model.
        windows: token ids of the calibration text.
        wanted: the layouts for a matrix by name and columns.
        store: where the rounded matrices go.
        progress: called with layers done and all of them, the output matrix counting as one.
    """
    tokens = token_count(windows)
    for at, found in enumerate(grams(chain, windows, progress)):
        layouts = {name: wanted(name, chain.values(name).shape[1]) for name in found}
        stretch = _smoothed(chain, at, found, layouts)
        store.stretch = store.stretch.plus(stretch)
        for name, seen in found.items():
            values, gram, inputs = chain.values(name), seen.gram, seen.rows
            scales = stretch.columns.get(name)
            if scales is not None:
                values, inputs = values * scales, inputs / scales
                gram = gram / np.outer(scales, scales)
            noises = {
                layout.block: _activations(values, inputs, layout.block) for layout in layouts[name]
            }
            for layout, made in round_all(values, layouts[name], gram):
                size, error = stored_bytes(made), output_error(values, made, gram) / tokens
                if name in stretch.rows:
                    # A row over a number is the same integers on smaller scales
                    made.scales[:] /= stretch.rows[name][:, None]
                store.put(name, layout, made)
                yield Candidate(name, layout, size, error, noises[layout.block])


def _smoothed(
    chain: LayerChain,
    at: int,
    found: Mapping[str, Seen],
    layouts: Mapping[str, Sequence[Layout]],
) -> Stretch:
    """What to stretch of a layer, or of what comes after the last one."""

    def scales(matrices: Sequence[Floats], first: str, shared: Shared) -> Floats:
        block = max(layout.block for layout in layouts[first] if layout.bits == SMOOTHED)
        return smoothing_scales(matrices, found[first].gram, found[first].rows, block, shared)

    known = [
        name for name, own in layouts.items() if any(layout.bits == SMOOTHED for layout in own)
    ]
    return stretched(chain.feeds(at), known, chain.values, scales)


def _activations(values: Floats, inputs: Floats, block: int) -> float:
    """The mean squared output error of a token whose inputs are in 8 bits."""
    if not len(inputs):
        return 0.0
    part = values[:: -(-len(values) // ERROR_ROWS)]
    return input_error(part, inputs, block) / len(inputs) * len(values) / len(part)


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
    """A matrix rounded a run of rows at a time, on as many cores as may be used."""
    cores = usable_cores()
    step = max(1, min(ROW_ELEMENTS // values.shape[1], -(-len(values) // cores)))
    runs = [values[at : at + step] for at in range(0, len(values), step)]
    with ThreadPoolExecutor(cores) as pool:  # numpy lets go of the interpreter
        parts = list(pool.map(lambda run: quantise(np.ascontiguousarray(run), layout, known), runs))
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
