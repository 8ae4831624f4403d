"""How well an encoder finds the passage that answers a query, among others on the same topics.

Ondol's own queries and passages: Korean ones, several to a topic so that the nearest wrong
passage is of the right topic, and Korean queries with English passages.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING

from ondol import registry
from ondol.bundle import Bundle
from ondol.errors import ContextFull, WrongKind
from ondol.evaluation.text import OWN
from ondol.language import say
from ondol.manifest import Origin
from ondol.plan import plan
from ondol.quality import RetrievalQuality
from ondol.stateless import Session
from ondol.strict import build, load
from ondol.tokenizer import Tokenizer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

PAIRS = "retrieval.jsonl"
AT = (1, 5)

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


class Embedder:
    """An encoder bundle, open on a device: one text in, one vector out."""

    def __init__(self, bundle: Bundle, device: str, threads: int | None = None) -> None:
        self._facts = bundle.encoder
        if self._facts.task != "embed":
            raise WrongKind(
                say(
                    f"{bundle.name} does not embed text.",
                    f"{bundle.name}은(는) 글을 벡터로 바꾸는 모델이 아닙니다.",
                ),
                self._facts.task,
                say("Choose an embedding model.", "임베딩 모델을 고르세요."),
            )
        bundle.verify(["tokenizer.json"])
        self._tokenizer = Tokenizer(bundle.read("tokenizer.json"))
        self._session: Session = registry.runtime(device).open_graph(
            bundle, plan(bundle, threads=threads)
        )

    def query(self, text: str) -> "Vectors":
        """The vector of a query, float32 [width], of length 1."""
        return self._embed(self._facts.query_prefix + text)

    def passage(self, text: str) -> "Vectors":
        """The vector of a passage, float32 [width], of length 1."""
        return self._embed(self._facts.passage_prefix + text)

    def close(self) -> None:
        """Free the device."""
        self._session.close()

    def _embed(self, text: str) -> "Vectors":
        import numpy as np

        ids = self._tokenizer.encode_framed(text)
        if len(ids) > self._facts.context:
            raise ContextFull(
                say(
                    f"{len(ids)} tokens do not fit the {self._facts.context} of the encoder.",
                    f"인코더에는 {self._facts.context}토큰까지 들어가는데 {len(ids)}토큰입니다.",
                )
            )
        row = np.array([ids], np.int64)
        feeds = {
            "input_ids": row,
            "attention_mask": np.ones_like(row),
            "token_type_ids": np.zeros_like(row),
        }
        taken = {port.name for port in self._session.inputs}
        made = self._session.run({name: each for name, each in feeds.items() if name in taken})
        vector: Vectors = np.asarray(made["embedding"][0], np.float32)
        return vector / max(float(np.linalg.norm(vector)), 1e-12)


def measure_retrieval(
    embedder: Embedder, progress: Progress | None = None
) -> tuple[RetrievalQuality, ...]:
    """Rank every passage of a kind for each of its queries, by cosine.

    Raises:
        DeviceError: if the device fails.
    """
    import numpy as np

    given, measured, done = pairs(), [], 0
    total = 2 * len(given.pairs)

    def embedded(embed: Callable[[str], "Vectors"], texts: Sequence[str]) -> "Vectors":
        nonlocal done
        rows = []
        for text in texts:
            rows.append(embed(text))
            done += 1
            if progress:
                progress(done, total)
        return np.stack(rows)

    for kind in given.kinds():
        chosen = [pair for pair in given.pairs if pair.kind == kind]
        queries = embedded(embedder.query, [pair.query for pair in chosen])
        passages = embedded(embedder.passage, [pair.passage for pair in chosen])
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
