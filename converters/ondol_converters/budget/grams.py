"""What a text shows each matrix: the sums of products of its inputs, layer by layer."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ondol_converters.budget.chain import LayerChain

Floats = NDArray[np.float32]
ROWS = 1024
SAMPLES = 256  # inputs kept as they are


@dataclass(frozen=True, slots=True)
class Seen:
    """What a matrix was multiplied with: X^T X over all tokens, and some rows of X.

    `gram` is float32 [columns, columns], `rows` float32 [at most `SAMPLES`, columns], evenly
    spread over the text; none of a matrix that is only looked up in.
    """

    gram: Floats
    rows: Floats


def grams(
    chain: LayerChain, windows: Sequence[Sequence[int]], progress: Callable[[int, int], None]
) -> Iterator[Mapping[str, Seen]]:
    """What each matrix is multiplied with, by our names.

    A layer's matrices at a time, then those outside the layers: what is held are the streams of
    all windows and one layer's grams. Of an embedding that is only looked up every row counts
    alike: its gram is the identity, times the number of tokens over that of rows.

    Args:
        chain: the dequantised model.
        windows: token ids of the text.
        progress: called with layers done and all of them, the output matrix counting as one.
    """
    streams = [chain.start(ids) for ids in windows]
    every = max(1, token_count(windows) // SAMPLES)
    for layer in range(chain.depth):
        progress(layer, chain.depth + 1)
        sums: dict[str, _Sum] = {}
        for at, stream in enumerate(streams):
            streams[at], inputs = chain.step(layer, stream)
            for name, seen in inputs.items():
                sums.setdefault(name, _Sum(every)).add(seen)
        yield {name: total.seen() for name, total in sums.items()}
    progress(chain.depth, chain.depth + 1)
    head = _Sum(every)
    for stream in streams:
        head.add(stream.normed.reshape(-1, stream.normed.shape[-1]))
    yield {"embedding" if chain.tied else "head": head.seen()}
    for name in chain.lookups:
        rows, columns = chain.values(name).shape
        share = np.float32(token_count(windows) / rows)
        none = np.empty((0, columns), np.float32)
        yield {name: Seen(np.eye(columns, dtype=np.float32) * share, none)}
    progress(chain.depth + 1, chain.depth + 1)


def token_count(windows: Sequence[Sequence[int]]) -> int:
    """How many tokens there are in all windows."""
    return sum(len(ids) for ids in windows)


class _Sum:
    """A sum of X^T X, a thousand rows at a time: narrow products are slow ones."""

    def __init__(self, every: int) -> None:
        self._every, self._count = every, 0
        self._kept: list[Floats] = []
        self._waiting: list[Floats] = []
        self._gram: Floats | None = None

    def add(self, seen: Floats) -> None:
        """Count in X, float32 [tokens, columns]."""
        self._kept.append(seen[-self._count % self._every :: self._every].copy())
        self._count += len(seen)
        self._waiting.append(seen)
        if sum(map(len, self._waiting)) >= ROWS:
            self._multiply()

    def seen(self) -> Seen:
        """The sum, and the rows that were kept."""
        if self._waiting:
            self._multiply()
        if self._gram is None:
            raise ValueError("a gram of nothing")
        return Seen(self._gram, np.concatenate(self._kept)[:SAMPLES])

    def _multiply(self) -> None:
        rows = np.concatenate(self._waiting)
        self._waiting.clear()
        product = rows.T @ rows
        self._gram = product if self._gram is None else np.add(self._gram, product, self._gram)
