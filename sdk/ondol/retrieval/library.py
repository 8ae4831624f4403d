"""A library: the user's documents in one file, found by words and by meaning."""

import os
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ondol import log, preparing
from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.language import say
from ondol.retrieval.asking import check_wish, checked_question
from ondol.retrieval.database import Database, library_errors
from ondol.retrieval.errors import StaleVectors
from ondol.retrieval.ingesting import Ingest, Ingested, Progress
from ondol.retrieval.limits import LIMITS, ReadLimits
from ondol.retrieval.passage import Passage
from ondol.retrieval.rows import remove
from ondol.retrieval.searching import By, Searcher
from ondol.retrieval.vectors import Vectors
from ondol.retrieval.walking import library_name, walk
from ondol.starter import E5, Starter

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

logger = log.logger(__name__)

ENCODER = E5.name
"""The encoder of a library that names none: a starter, converted at its first use."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document of a library; its size in bytes, its text in characters."""

    document: str
    title: str
    size: int
    characters: int
    passages: int


class Library:
    """Documents in one SQLite file. May be used from several threads; calls wait for each other.

    with Library.open("docs.db") as library:
        library.ingest(["문서"])
        print(library.search("퇴직금은 언제 주나요?")[0].text)
    """

    def __init__(self, database: Database, encoder: Encoder | Bundle | str | None) -> None:
        self._database = database
        self._named = encoder
        self._encoder = encoder if isinstance(encoder, Encoder) else None
        self._lock = threading.RLock()
        self._searcher: Searcher | None = None
        self._state: tuple[str | None, bool] | None = None

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        encoder: Encoder | Bundle | str | os.PathLike[str] | None = ENCODER,
        create: bool = True,
        wait_seconds: float = 5.0,
    ) -> Self:
        """Open a library, or make an empty one.

        Args:
            path: its file. Beside it SQLite keeps two of its own while it is open.
            encoder: what makes vectors: an open one (which stays the caller's), a bundle, its path
                or its name in the store, opened at first use; None: no vectors, words alone count.
            create: whether an empty library is made where there is none.
            wait_seconds: how long another process that writes is waited for.

        Raises:
            LibraryNotFound: if there is none and `create` is False.
            NewerLibrary, CorruptLibrary: if this Ondol cannot read the file.
            StorageError: if the disk refuses; `Busy` if another process holds it.
        """
        named = encoder
        if named is not None and not isinstance(named, Encoder | Bundle):
            named = os.fspath(named)
        database = Database.open(Path(path), create=create, wait_seconds=wait_seconds)
        return cls(database, named)

    def ingest(
        self,
        paths: Iterable[str | os.PathLike[str]] | str | os.PathLike[str],
        progress: Progress | None = None,
        *,
        limits: ReadLimits = LIMITS,
    ) -> Ingested:
        """Take in files, and all below folders whose format is known; what did not change is left.

        A document that cannot be read is in `failed`, and the others go on. One whose content is
        that of another is not taken twice. One that is gone from a folder named here is removed.

        Args:
            paths: files and folders.
            progress: called with bytes of documents done and in all.
            limits: sizes beyond which a document is refused.

        Raises:
            StorageError: if the disk refuses; what was committed before stays.
            BundleError, DeviceError, MissingExtra: if the encoder cannot be opened.
        """
        given = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        with self._lock:
            walked = walk(map(Path, given))
            embed = self._passages if self._named is not None else None
            if embed is not None:
                self._claim_vectors()
            return Ingest(self._database, embed, limits, progress).run(walked)

    def search(self, question: str, k: int = 5, *, by: By | None = None) -> list[Passage]:
        """The passages that fit a question best, the best first.

        Args:
            question: words, or a sentence, in any language the encoder knows.
            k: how many at most, 1 to 100.
            by: "words" (BM25), "vectors" (the cosine) or "both"; None: both, or words alone where
                the library was opened without an encoder.

        Raises:
            BadPrompt: if the question is empty or not Unicode.
            OptionError: for another `k` or `by`, or vectors without an encoder.
            StaleVectors: if passages lack vectors, or have another encoder's; ingest again.
            BundleError, DeviceError, MissingExtra: if the encoder cannot be opened.
        """
        clean = checked_question(question)
        chosen = by or ("words" if self._named is None else "both")
        check_wish(k, chosen, self._named is None)
        with self._lock:
            query = None
            if chosen != "words":
                query = self._open_encoder().embed([clean], "query", long="window")[0]
            return self._current(vectors=query is not None).search(clean, k, chosen, query)

    def likeness(self, question: str, texts: Sequence[str]) -> "Floats | None":
        """The cosines of a question and texts, float32 [texts]; None without an encoder.

        Raises:
            BundleError, DeviceError, MissingExtra: if the encoder cannot be opened.
        """
        if self._named is None or not texts:
            return None
        with self._lock:
            encoder = self._open_encoder()
            query = encoder.embed([checked_question(question)], "query", long="window")[0]
            cosines: Floats = encoder.embed(list(texts), "passage", long="window") @ query
            return cosines

    def documents(self) -> tuple[StoredDocument, ...]:
        """What the library holds, by name."""
        with self._lock, library_errors(self._database.path):
            rows = self._database.connection.execute(
                "SELECT path, title, size, characters, "
                "(SELECT count(*) FROM chunks WHERE document = documents.id) "
                "FROM documents ORDER BY path"
            ).fetchall()
        return tuple(StoredDocument(*row) for row in rows)

    def remove(self, paths: Iterable[str | os.PathLike[str]]) -> tuple[str, ...]:
        """Take documents out; their files stay. Those it did not hold are not in the answer.

        Raises:
            StorageError: if the disk refuses; then all are still there.
        """
        with self._lock:
            held = {each.document for each in self.documents()}
            names = [name for name in map(library_name, map(Path, paths)) if name in held]
            remove(self._database, names)
        return tuple(names)

    def close(self) -> None:
        """Close the file, and the encoder where the library opened it."""
        with self._lock:
            self._searcher = None
            self._database.close()
            if self._encoder is not None and self._encoder is not self._named:
                self._encoder.close()
                self._encoder = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _current(self, *, vectors: bool) -> Searcher:
        """A searcher of the library as it is now."""
        state = (self._database.setting("revision"), vectors)
        if self._searcher is None or self._state != state:
            found = None
            if vectors:
                self._check_vectors()
                found = Vectors.read(self._database, self._open_encoder().facts.width)
            self._searcher, self._state = Searcher(self._database, found), state
        return self._searcher

    def _passages(self, texts: Sequence[str]) -> "Floats":
        return self._open_encoder().embed(texts, "passage", long="window")

    def _open_encoder(self) -> Encoder:
        if self._encoder is None:
            bundle = self._named
            if not isinstance(bundle, Bundle):
                bundle = preparing.bundle_for(str(bundle), _made)
            self._encoder = Encoder.open(bundle)
        return self._encoder

    def _identity(self) -> str:
        """What tells one encoder's vectors from another's: the hashes of its files."""
        bundle = self._open_encoder().bundle
        kept = (".bin", ".data", ".onnx", "tokenizer.json")
        files = [each for each in bundle.manifest.files if each.path.endswith(kept)]
        return " ".join([bundle.name, *(each.sha256[:16] for each in files)])

    def _claim_vectors(self) -> None:
        """Make the vectors this encoder's: those of another are dropped, to be made anew."""
        mine = self._identity()
        if self._database.setting("encoder") != mine:
            with self._database.transaction() as connection:
                connection.execute("DELETE FROM vectors")
                connection.execute("INSERT OR REPLACE INTO settings VALUES ('encoder', ?)", (mine,))

    def _check_vectors(self) -> None:
        theirs = self._database.setting("encoder")
        with library_errors(self._database.path):
            (chunks, vectors) = self._database.connection.execute(
                "SELECT (SELECT count(*) FROM chunks), (SELECT count(*) FROM vectors)"
            ).fetchone()
        if chunks == vectors and (theirs == self._identity() or not chunks):
            return
        raise StaleVectors(
            say(
                f"{chunks - vectors} of {chunks} passages have no vector.",
                f"대목 {chunks}개 가운데 {chunks - vectors}개에 벡터가 없습니다.",
            )
            if chunks != vectors
            else say("The vectors are another encoder's.", "다른 인코더로 만든 벡터입니다."),
            f"{theirs} ≠ {self._identity()}" if theirs != self._identity() else "",
            say("Ingest again, or search by words.", "문서를 다시 넣거나 낱말로 찾으세요."),
        )


def _made(starter: Starter) -> Bundle:
    logger.warning(
        "%s",
        say(
            f"Preparing {starter.name}, once; this takes some seconds.",
            f"{starter.name}을(를) 준비합니다. 처음 한 번만 하며 잠시 걸립니다.",
        ),
    )
    return preparing.make_starter(starter)
