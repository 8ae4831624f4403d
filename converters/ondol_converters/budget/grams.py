"""What a text shows each matrix: the sums of products of its inputs, layer by layer."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ondol_converters.budget.chain import LayerChain

Floats = NDArray[np.float32]


def grams(
    chain: LayerChain, windows: Sequence[Sequence[int]], progress: Callable[[int, int], None]
) -> Iterator[Mapping[str, Floats]]:
    """X^T X of what each matrix is multiplied with, float32 [columns, columns] by our names.

    A layer's matrices at a time, then those outside the layers: what is held are the streams of
    all windows and one layer's grams. Of an embedding that is only looked up every row counts
    alike: its gram is the identity, times the number of tokens over that of rows.

    Args:
        chain: the dequantised model.
        windows: token ids of the text.
        progress: called with layers done and all of them, the output matrix counting as one.
    """
    streams = [chain.start(ids) for ids in windows]
    for layer in range(chain.depth):
        progress(layer, chain.depth + 1)
        found: dict[str, Floats] = {}
        for at, stream in enumerate(streams):
            streams[at], inputs = chain.step(layer, stream)
            for name, seen in inputs.items():
                _add(found, name, seen)
        yield found
    progress(chain.depth, chain.depth + 1)
    outside: dict[str, Floats] = {}
    head = "embedding" if chain.tied else "head"
    for stream in streams:
        _add(outside, head, stream.normed.reshape(-1, stream.normed.shape[-1]))
    yield outside
    for name in chain.lookups:
        rows, columns = chain.values(name).shape
        share = np.float32(token_count(windows) / rows)
        yield {name: np.eye(columns, dtype=np.float32) * share}
    progress(chain.depth + 1, chain.depth + 1)


def token_count(windows: Sequence[Sequence[int]]) -> int:
    """How many tokens there are in all windows."""
    return sum(len(ids) for ids in windows)


def _add(found: dict[str, Floats], name: str, seen: Floats) -> None:
    if name in found:
        found[name] += seen.T @ seen
    else:
        found[name] = seen.T @ seen
