"""Search: passages by their words, by their vectors, or by both."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ondol.retrieval.database import Database, library_errors
from ondol.retrieval.passage import Passage
from ondol.retrieval.vectors import Vectors
from ondol.retrieval.words import Wanted, asked_words, question_terms, rarity, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Ids = NDArray[np.int64]

By = Literal["both", "words", "vectors"]

WEIGHT = 0.3
"""What a passage that fits wholly in words has beyond its cosine; tuned as k1 and b.

Of one that shares a few words by chance, such as names in another language, little is left: its
fit is taken times the share of the question's words that it holds.
"""
CANDIDATES = 100
"""Passages that each way of searching brings; those of both are ranked together."""
FREQUENT = 0.2
"""A term in more than this share of the passages finds nothing: it only ranks."""
MOST_ROWS = 60_000
"""Passages that the terms of a question bring together, the rarest terms first."""
FEW = 1000
"""In a library of fewer passages terms are weighed as if there were so many."""
SEPARATOR = "\x1f"
"""Between headings in the file; no text of a document has it."""


def full_text(headings: Sequence[str], text: str) -> str:
    """What is searched of a passage: its headings too."""
    return f"{' > '.join(headings)}\n{text}" if headings else text


class Searcher:
    """Ranks the passages of one state of a library; what it has read of it is kept."""

    def __init__(self, database: Database, vectors: Vectors | None) -> None:
        self._database = database
        self._vectors = vectors
        self._counts: dict[str, int] = {}
        with library_errors(database.path):
            row = database.connection.execute(
                "SELECT count(*), coalesce(max(id), 0) FROM chunks"
            ).fetchone()
        self.total, self._last = int(row[0]), int(row[1])

    def search(self, question: str, k: int, by: By, query: "Floats | None") -> list[Passage]:
        """The best passages, the best first; of equal texts, the best alone.

        Args:
            question: in NFC.
            k: how many at most.
            by: what counts.
            query: the question's vector, of length 1; None for `by` "words".
        """
        import numpy as np

        asked = asked_words(question)
        wanted = Wanted.of(asked, self._weight)
        found: set[int] = set()
        if by != "vectors":
            found.update(self._by_words(asked))
        likeness: Floats | None = None
        if query is not None and self._vectors is not None and len(self._vectors.ids):
            likeness = self._vectors.likeness(query)
            most = min(CANDIDATES, len(likeness))
            best = np.argpartition(-likeness, most - 1)[:most]
            found.update(self._vectors.ids[best].tolist())
        passages = self._passages(sorted(found), wanted, likeness, by)
        passages.sort(key=lambda passage: -passage.score)
        return _first_of_each(passages, k)

    def _by_words(self, asked: Sequence[str]) -> list[int]:
        """The chunks that hold the rarest of the question's terms, weighed."""
        import numpy as np

        counted = sorted((self._count(term), term) for term in question_terms(asked))
        counted = [(count, term) for count, term in counted if count]
        sums: Floats = np.zeros(self._last + 1, np.float32)
        rows = 0
        for count, term in counted:
            if rows and (count > FREQUENT * self.total or rows + count > MOST_ROWS):
                break
            held = self._holders(term)
            sums[held] += rarity(count, self.total)
            rows += count
        most = min(CANDIDATES, len(sums))
        best = np.argpartition(-sums, most - 1)[:most]
        chosen: list[int] = best[sums[best] > 0].tolist()
        return chosen

    def _holders(self, term: str) -> "Ids":
        """Ids of the chunks with a term; a single syllable finds the pairs that it begins."""
        import numpy as np

        match = f'"{term}"*' if len(term) == 1 else f'"{term}"'
        with library_errors(self._database.path):
            (joined,) = self._database.connection.execute(
                "SELECT group_concat(rowid) FROM terms WHERE terms MATCH ?", (match,)
            ).fetchone()
        if not joined:
            return np.empty(0, np.int64)
        ids: Ids = np.array(joined.split(","), dtype=np.int64)
        return ids

    def _count(self, term: str) -> int:
        """How many chunks hold a term."""
        if term not in self._counts:
            if len(term) == 1:
                self._counts[term] = len(self._holders(term))
            else:
                with library_errors(self._database.path):
                    row = self._database.connection.execute(
                        "SELECT doc FROM vocabulary WHERE term = ?", (term,)
                    ).fetchone()
                self._counts[term] = int(row[0]) if row else 0
        return self._counts[term]

    def _weight(self, term: str) -> float:
        return rarity(self._count(term), max(self.total, FEW))

    def _passages(
        self, ids: list[int], wanted: Wanted, likeness: "Floats | None", by: By
    ) -> list[Passage]:
        with library_errors(self._database.path):
            rows = self._database.connection.execute(
                f"""SELECT chunks.id, chunks.text, path, title, page, headings, start, "end"
                FROM chunks JOIN documents ON documents.id = chunks.document
                WHERE chunks.id IN ({",".join(map(str, ids))})"""
            ).fetchall()
        made = []
        for chunk, text, path, title, page, joined, start, end in rows:
            headings = tuple(joined.split(SEPARATOR)) if joined else ()
            fit, shared = wanted.measure(full_text(headings, text))
            cosine = None
            if likeness is not None and self._vectors is not None:
                cosine = float(likeness[self._vectors.ids.searchsorted(chunk)])
            score = {"words": fit, "vectors": cosine or 0.0}.get(
                by, (cosine or 0.0) + WEIGHT * fit * shared
            )
            made.append(
                Passage(text, path, title, page, headings, start, end, score, cosine, shared)
            )
        return made


def _first_of_each(passages: Sequence[Passage], k: int) -> list[Passage]:
    chosen: dict[str, Passage] = {}
    for passage in passages:
        if len(chosen) == k:
            break
        chosen.setdefault(" ".join(words(passage.text)) or passage.text, passage)
    return list(chosen.values())
