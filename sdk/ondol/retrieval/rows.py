"""Documents and passages as rows of a library's tables."""

from collections.abc import Sequence
from sqlite3 import Connection

from ondol.retrieval.chunking import Chunk
from ondol.retrieval.database import Database
from ondol.retrieval.searching import SEPARATOR, full_text
from ondol.retrieval.words import index_terms


def headings_of(joined: str) -> tuple[str, ...]:
    """Headings as they were before they were put into one column."""
    return tuple(joined.split(SEPARATOR)) if joined else ()


def remove(database: Database, names: Sequence[str]) -> None:
    """Take documents out of a library.

    Raises:
        StorageError: as `library_errors` says; then all are still there.
    """
    if names:
        with database.transaction() as connection:
            for name in names:
                delete(connection, name)


def insert(
    connection: Connection, document: int | None, chunk: Chunk, vector: bytes | None
) -> None:
    """Write a passage of a document, its terms, and its vector where there is one."""
    row = connection.execute(
        'INSERT INTO chunks (document, start, "end", page, headings, text, digest) '
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            document,
            chunk.start,
            chunk.end,
            chunk.page,
            SEPARATOR.join(chunk.headings),
            chunk.text,
            chunk.digest,
        ),
    ).lastrowid
    connection.execute(
        "INSERT INTO terms (rowid, term) VALUES (?, ?)", (row, _terms(chunk.headings, chunk.text))
    )
    if vector is not None:
        connection.execute("INSERT INTO vectors VALUES (?, ?)", (row, vector))


def delete(connection: Connection, name: str) -> None:
    """Take a document out with all that was made of it; one that is not there is left."""
    rows = connection.execute(
        "SELECT chunks.id, headings, text FROM chunks JOIN documents "
        "ON documents.id = chunks.document WHERE path = ?",
        (name,),
    ).fetchall()
    for row, joined, text in rows:
        connection.execute(
            "INSERT INTO terms (terms, rowid, term) VALUES ('delete', ?, ?)",
            (row, _terms(headings_of(joined), text)),
        )
        connection.execute("DELETE FROM vectors WHERE chunk = ?", (row,))
        connection.execute("DELETE FROM chunks WHERE id = ?", (row,))
    connection.execute("DELETE FROM documents WHERE path = ?", (name,))


def _terms(headings: Sequence[str], text: str) -> str:
    return " ".join(index_terms(full_text(headings, text)))
