"""How much worse the whole model predicts when one matrix is off by so much.

One matrix at a time is swapped for a coarse rounding and the rest of the model is run: the mean
KL divergence of its predictions, over the rounding's output error, is the matrix's slope. Small
errors cost in proportion, and those of several matrices add up.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ondol_converters.budget.candidates import Candidate, by_matrix
from ondol_converters.budget.chain import LayerChain, Stream
from ondol_converters.budget.yardstick import divergence, log_softmax
from ondol_converters.quantise.store import BlockStore

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """KL divergence in bits a token that a matrix costs for one unit of output error."""

    slopes: Mapping[str, float]

    def cost(self, candidate: Candidate) -> float:
        """The bits a token that a candidate is expected to cost."""
        return self.slopes[candidate.matrix] * (candidate.error + candidate.activations)


def measure(
    chain: LayerChain,
    window: Sequence[int],
    candidates: Sequence[Candidate],
    store: BlockStore,
    progress: Callable[[int, int], None],
) -> Sensitivity:
    """Slopes of all matrices, each from the coarsest of its candidates."""
    coarse = {name: max(own, key=lambda c: c.error) for name, own in by_matrix(candidates).items()}
    streams = [chain.start(window)]
    for layer in range(chain.depth):
        streams.append(chain.step(layer, streams[-1])[0])
    base = [log_softmax(rows) for rows in chain.logits(streams[-1])]
    slopes: dict[str, float] = {}
    for done, (name, candidate) in enumerate(coarse.items()):
        progress(done, len(coarse))
        other = store.dense(name, candidate.layout)
        cost = _divergence(chain, base, *_swapped(chain, name, other, window, streams))
        slopes[name] = cost / candidate.error if candidate.error > 0 else 0.0
    progress(len(coarse), len(coarse))
    return Sensitivity(slopes)


def _swapped(
    chain: LayerChain, name: str, other: Floats, window: Sequence[int], streams: Sequence[Stream]
) -> tuple[Stream, Floats | None]:
    """What the last layer gives with one matrix swapped, and the output matrix if it is that."""
    if name == "head":
        return streams[-1], other
    if name in ("embedding", *chain.lookups):
        stream = chain.rest(0, chain.start(window, chain.as_matrix(name, other)))
        return stream, other if chain.tied and name == "embedding" else None
    layer = int(name.split(".")[1])
    stream, _ = chain.step(layer, streams[layer], chain.as_matrix(name, other))
    return chain.rest(layer + 1, stream), None


def _divergence(
    chain: LayerChain, base: Sequence[Floats], other: Stream, head: Floats | None
) -> float:
    """The mean of KL(base || other) over the positions of a window, in bits a token."""
    total, count = 0.0, 0
    for left, rows in zip(base, chain.logits(other, head), strict=True):
        right = log_softmax(rows)
        total += divergence(left, right)
        count += len(rows)
    return max(total, 0.0) / count / math.log(2)
