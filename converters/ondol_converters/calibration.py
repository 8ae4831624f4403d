"""Matrices rounded by what a text shows of their inputs: GPTQ and AWQ without a budget."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ondol_converters.assembly import Assembly, Weighing
from ondol_converters.budget.candidates import round_all
from ondol_converters.budget.chain import LayerChain
from ondol_converters.budget.grams import Seen, grams
from ondol_converters.budget.texts import WINDOW, windows
from ondol_converters.families.tensors import matrix_tensors
from ondol_converters.graph.weights import WeightsFile
from ondol_converters.quantise.awq import channel_scales
from ondol_converters.quantise.layouts import exactly, planned
from ondol_converters.quantise.store import BlockStore
from ondol_converters.quantise.stretch import Shared, Stretch, stretched
from ondol_converters.recipe import CALIBRATED, Layout

Floats = NDArray[np.float32]
AWQ = "awq"


def calibrated(assembly: Assembly, text: str, scratch: Path) -> Weighing:
    """Round every matrix whose layout asks for it, a layer at a time.

    Matrices that their layout holds as the source stores them are left to be moved.

    Args:
        assembly: what is to be written.
        text: to calibrate with.
        scratch: an empty folder; the dequantised model and the rounded matrices go there.
    """
    (scratch / "rounded").mkdir()
    store = BlockStore(scratch / "rounded")
    tokenizer = assembly.open_tokenizer(scratch)
    shown = windows(tokenizer, text, min(WINDOW, assembly.context))
    with opened_chain(assembly, scratch) as chain:
        layouts = _layouts(assembly, chain)
        for at, found in enumerate(
            grams(chain, shown, lambda done, total: assembly.progress("calibration", done, total))
        ):
            stretch = _stretch(chain, at, found, layouts)
            store.stretch = store.stretch.plus(stretch)
            for name in found.keys() & layouts.keys():
                _round(chain, name, layouts[name], found[name].gram, stretch, store)
    return Weighing(rounded=store)


@contextmanager
def opened_chain(assembly: Assembly, scratch: Path) -> Iterator[LayerChain]:
    """The dequantised model of an assembly as a chain; its weights lie in a folder meanwhile."""
    path = scratch / "float32.bin"
    with WeightsFile(path) as file:
        weights = assembly.unquantised().packer(file, Weighing()).weights()
        file.finish()
    (scratch / "chain").mkdir()
    with LayerChain(assembly.decoder, weights, path, scratch / "chain") as chain:
        yield chain
    path.unlink()


def _layouts(assembly: Assembly, chain: LayerChain) -> dict[str, Layout]:
    """The layouts of the matrices that are to be rounded by what they read."""
    found = {}
    for name, tensors in matrix_tensors(assembly.decoder, assembly.names).items():
        kinds = [assembly.source.tensors[tensor].kind for tensor in tensors]
        layout = planned(assembly.options, name, kinds, chain.values(name).shape[1])
        if layout.method in CALIBRATED and not all(exactly(kind, layout) for kind in kinds):
            found[name] = layout
    return found


def _stretch(
    chain: LayerChain, at: int, found: Mapping[str, Seen], layouts: Mapping[str, Layout]
) -> Stretch:
    """AWQ's column scales of a layer's matrices, or of those after the last layer."""
    asking = {name for name, layout in layouts.items() if layout.method == AWQ} & found.keys()

    def scales(matrices: Sequence[Floats], first: str, shared: Shared) -> Floats:
        layout = layouts[first]
        return channel_scales(matrices, found[first].gram, layout.bits, layout.block, shared)

    return stretched(chain.feeds(at), asking, chain.values, scales)


def _round(
    chain: LayerChain,
    name: str,
    layout: Layout,
    gram: Floats,
    stretch: Stretch,
    store: BlockStore,
) -> None:
    values = chain.values(name)
    columns, rows = stretch.columns.get(name), stretch.rows.get(name)
    if columns is not None:
        values, gram = values * columns, gram / np.outer(columns, columns)
    for _, made in round_all(values, [layout], gram):
        if rows is not None:
            # A row over a number is the same integers on smaller scales
            made.scales[:] /= rows[:, None]
        store.put(name, layout, made)
