"""Documents into a library: only what changed is read, each document is there whole or not at all.

Passages are embedded some hundred at a time, of several small documents together; what a group of
documents takes is committed at once. A process that dies loses the group it was at.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ondol.errors import MissingExtra, OndolError
from ondol.retrieval.chunking import Chunk, chunks
from ondol.retrieval.database import Database, library_errors
from ondol.retrieval.errors import DocumentError
from ondol.retrieval.limits import ReadLimits, megabytes, too_large
from ondol.retrieval.readers.formats import read
from ondol.retrieval.rows import delete, headings_of, insert, remove
from ondol.retrieval.searching import full_text
from ondol.retrieval.vectors import packed
from ondol.retrieval.walking import Found, Walked, files_below, unreadable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

Progress = Callable[[int, int], None]
"""Called with bytes of documents done and in all."""
Embed = Callable[[Sequence[str]], "Floats"]
"""Texts to float32 [texts, width], each of length 1."""

GROUP = 256
"""Passages that are embedded together: enough of like length to fill batches."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A document that could not be read, and why."""

    document: str
    error: OndolError


@dataclass(frozen=True, slots=True)
class Ingested:
    """What became of each document, by its name in the library; `passages` are new ones."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    duplicates: tuple[str, ...]
    removed: tuple[str, ...]
    failed: tuple[Failed, ...]
    passages: int


@dataclass(slots=True)
class _New:
    name: str
    title: str
    digest: bytes
    size: int
    characters: int
    chunks: list[Chunk]


@dataclass(slots=True)
class Ingest:
    """One call of `Library.ingest`."""

    database: Database
    embed: Embed | None
    limits: ReadLimits
    progress: Progress | None
    _added: list[str] = field(default_factory=list)
    _changed: list[str] = field(default_factory=list)
    _unchanged: list[str] = field(default_factory=list)
    _duplicates: list[str] = field(default_factory=list)
    _failed: list[Failed] = field(default_factory=list)
    _group: list[_New] = field(default_factory=list)
    _passages: int = 0
    _done: int = 0
    _total: int = 0

    def run(self, walked: Walked) -> Ingested:
        """Take every file; those of folders that are gone from the disk are removed."""
        self._total = sum(each.size for each in walked.files)
        known = self._known()
        walked_names = {each.name for each in walked.files}
        gone = [name for name in files_below(walked.folders, known) if name not in walked_names]
        there = self._digests(walked)
        held = {  # what is left of the library's contents once the files have been taken
            digest: name
            for name, digest in known.items()
            if there.get(name, b"") == digest or not (name in walked_names or name in gone)
        }
        for each in walked.files:
            if each.name in there:
                self._take(each, there[each.name], known, held)
            if sum(len(new.chunks) for new in self._group) >= GROUP:
                self._commit()
        self._commit()
        remove(self.database, gone)
        self._fill()
        return Ingested(
            tuple(self._added),
            tuple(self._changed),
            tuple(self._unchanged),
            tuple(self._duplicates),
            tuple(gone),
            tuple(self._failed),
            self._passages,
        )

    def _known(self) -> dict[str, bytes]:
        with library_errors(self.database.path):
            return dict(self.database.connection.execute("SELECT path, sha256 FROM documents"))

    def _digests(self, walked: Walked) -> dict[str, bytes]:
        """The hash of every file that can be read, by name; the others have failed."""
        found: dict[str, bytes] = {}
        for each in walked.files:
            try:
                if each.error is not None:
                    raise each.error
                if each.size > self.limits.file_bytes:
                    raise too_large(megabytes(each.size), megabytes(self.limits.file_bytes))
                with each.path.open("rb") as file:
                    found[each.name] = hashlib.file_digest(file, "sha256").digest()
            except OSError as exc:
                self._fail(each, unreadable(exc))
            except DocumentError as exc:
                self._fail(each, exc)
        return found

    def _take(
        self, found: Found, digest: bytes, known: Mapping[str, bytes], held: dict[bytes, str]
    ) -> None:
        if known.get(found.name) == digest:
            self._unchanged.append(found.name)
            self._count(found.size)
            return
        if held.setdefault(digest, found.name) != found.name:
            self._duplicates.append(found.name)
            self._count(found.size)
            return
        try:
            with found.path.open("rb") as file:
                document = read(file, found.path.name, self.limits)
        except OSError as exc:
            self._fail(found, unreadable(exc))
        except (DocumentError, MissingExtra) as exc:
            self._fail(found, exc)
        else:
            (self._changed if found.name in known else self._added).append(found.name)
            title = document.title or found.path.stem
            made = list(chunks(document))
            length = len(document.text)
            self._group.append(_New(found.name, title, digest, found.size, length, made))

    def _fail(self, found: Found, error: OndolError) -> None:
        self._failed.append(Failed(found.name, error))
        self._count(found.size)

    def _count(self, size: int) -> None:
        self._done += size
        if self.progress:
            self.progress(min(self._done, self._total), self._total)

    def _commit(self) -> None:
        """Embed the group's passages and write them with their documents."""
        group, self._group = self._group, []
        if not group:
            return
        vectors = self._vectors(group)
        with self.database.transaction() as connection:
            for new in group:
                delete(connection, new.name)
                document = connection.execute(
                    "INSERT INTO documents (path, title, sha256, size, characters) "
                    "VALUES (?, ?, ?, ?, ?)",
                    (new.name, new.title, new.digest, new.size, new.characters),
                ).lastrowid
                for chunk in new.chunks:
                    insert(connection, document, chunk, vectors.get(chunk.digest))
        for new in group:
            self._passages += len(new.chunks)
            self._count(new.size)

    def _vectors(self, group: Sequence[_New]) -> dict[bytes, bytes]:
        """The vectors of the group's passages: those the library has already, and new ones."""
        if self.embed is None:
            return {}
        texts = {
            chunk.digest: full_text(chunk.headings, chunk.text)
            for new in group
            for chunk in new.chunks
        }
        found: dict[bytes, bytes] = {}
        with library_errors(self.database.path):
            for digest in texts:
                row = self.database.connection.execute(
                    "SELECT vector FROM chunks JOIN vectors ON vectors.chunk = chunks.id "
                    "WHERE digest = ? LIMIT 1",
                    (digest,),
                ).fetchone()
                if row:
                    found[digest] = bytes(row[0])
        missing = [digest for digest in texts if digest not in found]
        for part in _parts(missing):
            rows = self.embed([texts[digest] for digest in part])
            found.update(zip(part, map(packed, rows), strict=True))
            if self.progress and len(missing) > GROUP:
                share = len(found) / len(texts) * sum(new.size for new in group)
                self.progress(min(self._done + int(share), self._total), self._total)
        return found

    def _fill(self) -> None:
        """Embed the passages that have no vector yet: from before there was an encoder."""
        while self.embed is not None:
            with library_errors(self.database.path):
                rows = self.database.connection.execute(
                    "SELECT id, headings, text FROM chunks WHERE NOT EXISTS "
                    "(SELECT 1 FROM vectors WHERE chunk = chunks.id) LIMIT ?",
                    (GROUP,),
                ).fetchall()
            if not rows:
                return
            texts = [full_text(headings_of(joined), text) for _, joined, text in rows]
            made = self.embed(texts)
            with self.database.transaction() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO vectors VALUES (?, ?)",
                    [(row[0], packed(vector)) for row, vector in zip(rows, made, strict=True)],
                )


def _parts(digests: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for at in range(0, len(digests), GROUP):
        yield digests[at : at + GROUP]
