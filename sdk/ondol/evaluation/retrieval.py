"""How well an encoder finds the passage that answers a query, among others on the same topics.

Ondol's own queries and passages: Korean ones, several to a topic so that the nearest wrong
passage is of the right topic, and Korean queries with English passages.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING

from ondol.encoder import Encoder, Kind
from ondol.evaluation.text import OWN
from ondol.manifest import Origin
from ondol.quality import RetrievalQuality
from ondol.strict import build, load

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

PAIRS = "retrieval.jsonl"
AT = (1, 5)
TINY = 1e-12

Progress = Callable[[int, int], None]
"""Called with texts embedded and texts in all."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and the one passage that answers it."""

    kind: str
    topic: str
    query: str
    passage: str


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs, and the file they are from."""

    file: Origin
    pairs: tuple[Pair, ...]

    def kinds(self) -> tuple[str, ...]:
        """The kinds there are, in their order."""
        return tuple(dict.fromkeys(pair.kind for pair in self.pairs))


def pairs() -> Pairs:
    """Ondol's own pairs."""
    data = (files("ondol") / "texts" / PAIRS).read_bytes()
    found = tuple(build(Pair, load(line, len(line)), PAIRS) for line in data.splitlines())
    return Pairs(Origin(f"{OWN}{PAIRS}", len(data), hashlib.sha256(data).hexdigest()), found)


def measure_retrieval(
    encoder: Encoder, progress: Progress | None = None
) -> tuple[RetrievalQuality, ...]:
    """Rank every passage of a kind for each of its queries, by cosine.

    Raises:
        WrongKind: if the encoder does not embed.
        DeviceError: if the device fails.
    """
    import numpy as np

    given, measured, done = pairs(), [], 0
    total = 2 * len(given.pairs)

    def embedded(texts: Sequence[str], kind: Kind) -> "Vectors":
        nonlocal done
        rows = []
        for text in texts:  # one at a time: what is beside it in a batch changes nothing
            rows.append(encoder.embed([text], kind, long="window")[0])
            done += 1
            if progress:
                progress(done, total)
        vectors: Vectors = np.stack(rows)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), TINY)
        return vectors

    for kind in given.kinds():
        chosen = [pair for pair in given.pairs if pair.kind == kind]
        queries = embedded([pair.query for pair in chosen], "query")
        passages = embedded([pair.passage for pair in chosen], "passage")
        measured.append(scored(given.file, kind, queries @ passages.T))
    return tuple(measured)


def scored(file: Origin, kind: str, likeness: "Vectors") -> RetrievalQuality:
    """Recall and mean reciprocal rank.

    Args:
        file: where the pairs are from.
        kind: which of them.
        likeness: float32 [n, n]; passage i answers query i. Among equals the right one is last.
    """
    import numpy as np

    right = np.diagonal(likeness)[:, None]
    ranks = (likeness >= right).sum(axis=1)
    return RetrievalQuality(
        pairs=file,
        kind=kind,
        queries=len(ranks),
        passages=likeness.shape[1],
        recall_at_1=float((ranks <= AT[0]).mean()),
        recall_at_5=float((ranks <= AT[1]).mean()),
        mean_reciprocal_rank=float((1 / ranks).mean()),
        source_recall_at_1=None,
        source_recall_at_5=None,
        source_mean_reciprocal_rank=None,
    )


def beside(
    measured: Sequence[RetrievalQuality], source: Sequence[RetrievalQuality]
) -> tuple[RetrievalQuality, ...]:
    """Scores with those of the unquantised source beside them."""
    return tuple(
        replace(
            mine,
            source_recall_at_1=theirs.recall_at_1,
            source_recall_at_5=theirs.recall_at_5,
            source_mean_reciprocal_rank=theirs.mean_reciprocal_rank,
        )
        for mine, theirs in zip(measured, source, strict=True)
    )
