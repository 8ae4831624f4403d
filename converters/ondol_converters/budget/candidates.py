"""Every way to store every matrix, rounded once, with what it costs and how far it is off."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ondol_converters.budget.chain import LayerChain, Stream
from ondol_converters.quantise.gptq import Factor, factor
from ondol_converters.quantise.layouts import narrowed
from ondol_converters.quantise.repack import Blocks
from ondol_converters.quantise.rounding import CALIBRATED, quantise
from ondol_converters.quantise.store import BlockStore
from ondol_converters.recipe import Layout

Floats = NDArray[np.float32]
ROW_ELEMENTS = 1 << 24  # of a matrix rounded at a time: 64 MB of float32

LAYOUTS = (
    Layout(8, 32, "search"),
    Layout(8, 128, "search"),
    Layout(4, 32, "gptq"),
    Layout(4, 64, "gptq"),
    Layout(4, 128, "gptq"),
)
"""What a budget chooses from, finest first."""

NARROW = (Layout(8, 16, "search"), Layout(4, 16, "gptq"))
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

    Layer by layer: what is held are the streams of all windows and one layer's statistics.

    Args:
        chain: the dequantised model.
        windows: token ids of the calibration text.
        wanted: the layouts for a matrix by name and columns.
        store: where the rounded matrices go.
        progress: called with layers done and all of them, the output matrix counting as one.
    """
    streams = [chain.start(ids) for ids in windows]
    for layer in range(chain.depth):
        progress(layer, chain.depth + 1)
        grams: dict[str, Floats] = {}
        for at, stream in enumerate(streams):
            streams[at], inputs = chain.step(layer, stream)
            for name, seen in inputs.items():
                grams[name] = grams.get(name, np.float32(0)) + seen.T @ seen
        for name, gram in grams.items():
            yield from _round(chain, name, gram, _tokens(windows), wanted, store)
    progress(chain.depth, chain.depth + 1)
    head = "embedding" if chain.tied else "head"
    yield from _round(chain, head, _head_gram(chain, streams), _tokens(windows), wanted, store)
    if not chain.tied:
        # A lookup is a product with one of the rows of the identity
        columns = chain.values("embedding").shape[1]
        gram = np.eye(columns, dtype=np.float32)
        yield from _round(chain, "embedding", gram, len(chain.values("embedding")), wanted, store)
    progress(chain.depth + 1, chain.depth + 1)


def _head_gram(chain: LayerChain, streams: Sequence[Stream]) -> Floats:
    width = streams[0].normed.shape[-1]
    gram: Floats = np.zeros((width, width), np.float32)
    for stream in streams:
        seen = stream.normed.reshape(-1, width)
        gram += seen.T @ seen
    return gram


def _tokens(windows: Sequence[Sequence[int]]) -> int:
    return sum(len(ids) for ids in windows)


def _round(
    chain: LayerChain,
    name: str,
    gram: Floats,
    tokens: int,
    wanted: Callable[[str, int], Sequence[Layout]],
    store: BlockStore,
) -> Iterator[Candidate]:
    values = chain.values(name)
    layouts = wanted(name, values.shape[1])
    known: Factor | Floats = gram
    if any(layout.method == "gptq" for layout in layouts):
        known = factor(gram)
    for layout in layouts:
        made = rounded(values, layout, known if layout.method in (*CALIBRATED, "search") else None)
        store.put(name, layout, made)
        error = output_error(values, made, gram) / tokens
        yield Candidate(name, layout, stored_bytes(made), error)


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
    """The squared error of the product with all the inputs of a gram: sum of d G d^T over rows."""
    step, total = max(1, ROW_ELEMENTS // values.shape[1]), 0.0
    for at in range(0, len(values), step):
        part = Blocks(
            blocks.bits, blocks.block, blocks.quants[at : at + step], blocks.scales[at : at + step]
        )
        off = part.dense(values.shape[1]) - values[at : at + step]
        total += float(np.einsum("rk,rk->", off @ gram, off, dtype=np.float64))
    return total


def by_matrix(candidates: Sequence[Candidate]) -> Mapping[str, list[Candidate]]:
    """Candidates of each matrix, in their order."""
    found: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        found.setdefault(candidate.matrix, []).append(candidate)
    return found
