"""The tables of a library, and the steps from each version to the next."""

from collections.abc import Callable
from sqlite3 import Connection

APPLICATION = 0x4F4E444C
"""SQLite's application_id of our files: "ONDL"."""


def _first(connection: Connection) -> None:
    for statement in (
        "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        "INSERT INTO settings VALUES ('revision', '0')",
        """CREATE TABLE documents (
            id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, title TEXT NOT NULL,
            sha256 BLOB NOT NULL, size INTEGER NOT NULL, characters INTEGER NOT NULL)""",
        "CREATE INDEX documents_by_content ON documents (sha256)",
        """CREATE TABLE chunks (
            id INTEGER PRIMARY KEY, document INTEGER NOT NULL REFERENCES documents (id),
            start INTEGER NOT NULL, "end" INTEGER NOT NULL, page INTEGER,
            headings TEXT NOT NULL, text TEXT NOT NULL, digest BLOB NOT NULL)""",
        "CREATE INDEX chunks_by_document ON chunks (document)",
        "CREATE INDEX chunks_by_digest ON chunks (digest)",
        """CREATE TABLE vectors (
            chunk INTEGER PRIMARY KEY REFERENCES chunks (id), vector BLOB NOT NULL)""",
        # No positions and no copy of the text: which passages hold a term is all that is asked
        """CREATE VIRTUAL TABLE terms USING fts5 (
            term, content='', detail=none, columnsize=0,
            tokenize='unicode61 remove_diacritics 0')""",
        "CREATE VIRTUAL TABLE vocabulary USING fts5vocab (terms, row)",
    ):
        connection.execute(statement)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first,)
"""Step n makes version n+1 of version n, 0 being an empty file; each in one transaction."""
