"""The one SQLite file of a library: opening, versions, transactions, named errors."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ondol.errors import Busy, DiskFull, StorageError
from ondol.language import say
from ondol.retrieval import schema
from ondol.retrieval.errors import CorruptLibrary, LibraryNotFound, NewerLibrary, ReadOnlyLibrary

NAP = 0.02  # seconds between two tries
_CORRUPT = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_REFUSED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


@contextmanager
def library_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into named ones.

    Raises:
        Busy: if another process is writing longer than was waited for.
        DiskFull, StorageError: on what the disk refuses; nothing old is harmed.
        ReadOnlyLibrary: if it may not be written.
        CorruptLibrary: if the file is no database, or is damaged.
    """
    try:
        yield
    except sqlite3.Error as exc:
        raise _named(path, exc) from exc


def _named(path: Path, exc: sqlite3.Error) -> Exception:
    code = getattr(exc, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in _HELD:
        return Busy(
            say(
                f"Another process is writing {path.name}.",
                f"다른 프로세스가 {path.name}에 쓰는 중입니다.",
            ),
            str(path),
            say("Wait until it is done, then try again.", "끝나기를 기다렸다가 다시 하세요."),
        )
    if code == sqlite3.SQLITE_FULL:
        return DiskFull(
            say(f"The disk is full: {path}", f"디스크가 가득 찼습니다: {path}"),
            say(
                "What was not yet committed is undone; all else is untouched.",
                "아직 확정되지 않은 것은 되돌렸고, 나머지는 그대로입니다.",
            ),
            say("Free some space and ingest again.", "공간을 비우고 다시 넣으세요."),
        )
    if code in _REFUSED:
        return ReadOnlyLibrary(
            say(
                f"This library can only be read: {path}", f"읽기만 할 수 있는 문서고입니다: {path}"
            ),
            str(exc),
            say("Copy it to where you may write.", "쓸 수 있는 곳으로 복사하세요."),
        )
    if code in _CORRUPT:
        return _corrupt(path, str(exc))
    return StorageError(
        say(f"Cannot use the library: {path}", f"문서고를 쓸 수 없습니다: {path}"),
        f"{type(exc).__name__}: {exc}",
        say("Check the folder and its permissions.", "폴더와 권한을 확인하세요."),
    )


def _corrupt(path: Path, why: str) -> CorruptLibrary:
    return CorruptLibrary(
        say(f"This is no library, or a damaged one: {path}", f"문서고가 아니거나 손상됨: {path}"),
        why,
        say("Make a new one from the documents: ", "문서에서 새로 만드세요: ")
        + "ondol ingest PATH --library FILE",
    )


class Database:
    """An open library file. The caller sees to it that one thread at a time uses it."""

    def __init__(self, path: Path, connection: sqlite3.Connection, writable: bool) -> None:
        self.path = path
        self.connection = connection
        self.writable = writable

    @classmethod
    def open(cls, path: Path, *, create: bool = False, wait_seconds: float = 5.0) -> "Database":
        """Open a library, and bring one of an earlier version to this one.

        Where the file or its folder may not be written it is opened for reading.

        Args:
            path: the file.
            create: whether it is made where there is none.
            wait_seconds: how long another process' writing is waited for.

        Raises:
            LibraryNotFound: if there is none and none is to be made.
            NewerLibrary, CorruptLibrary, StorageError: as `library_errors` and the version say.
        """
        exists = path.exists()
        if not exists and not create:
            raise LibraryNotFound(
                say(f"There is no library here: {path}", f"문서고가 없습니다: {path}"),
                say("Documents were never put into it.", "아직 문서를 넣지 않았습니다."),
                f"ondol ingest PATH --library {path}",
            )
        writable = os.access(path if exists else path.parent, os.W_OK)
        folder = os.access(path.parent, os.W_OK)
        mode = "rwc" if writable and folder else "ro"
        # In a folder that may not be written, SQLite cannot keep its side files: nobody writes
        sealed = not folder and not path.with_name(path.name + "-wal").exists()
        address = f"{path.absolute().as_uri()}?mode={mode}{'&immutable=1' if sealed else ''}"
        with library_errors(path):
            connection = sqlite3.connect(
                address,
                uri=True,
                timeout=wait_seconds,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                database = cls(path, connection, mode == "rwc")
                database._prepare(wait_seconds)
            except BaseException:
                connection.close()
                raise
        return database

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A block that is committed whole, or not at all; readers see what was before.

        Raises:
            StorageError: as `library_errors` says.
        """
        with library_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute(
                    "UPDATE settings SET value = value + 1 WHERE name = 'revision'"
                )
                self.connection.execute("COMMIT")
            except BaseException:
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                raise

    def setting(self, name: str) -> str | None:
        """A setting of the library; None if there is none of that name."""
        with library_errors(self.path):
            row = self.connection.execute(
                "SELECT value FROM settings WHERE name = ?", (name,)
            ).fetchone()
        return None if row is None else str(row[0])

    def _prepare(self, wait_seconds: float) -> None:
        connection = self.connection
        version = self._version()
        if self.writable:
            self._write_ahead(wait_seconds)
            connection.execute("PRAGMA synchronous = FULL")
            while version < len(schema.MIGRATIONS):
                version = self._migrate(version)
        elif version < len(schema.MIGRATIONS):
            raise ReadOnlyLibrary(
                say(
                    f"This library can only be read: {self.path}", f"읽기 전용 문서고: {self.path}"
                ),
                say(f"It is of version {version}.", f"버전이 {version}입니다."),
                say("Open it once where it may be written.", "쓸 수 있는 곳에서 한 번 여세요."),
            )

    def _write_ahead(self, wait_seconds: float) -> None:
        """Change the file to a write-ahead log; SQLite itself does not wait for others there."""
        end = time.monotonic() + wait_seconds
        while True:
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as exc:
                if exc.sqlite_errorcode & 0xFF not in _HELD or time.monotonic() > end:
                    raise
            time.sleep(NAP)

    def _version(self) -> int:
        # In one statement: another process may be making the tables just now
        application, version, tables = self.connection.execute(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master) "
            "FROM pragma_application_id, pragma_user_version"
        ).fetchone()
        if application != schema.APPLICATION and (application or version or tables):
            raise _corrupt(self.path, f"application_id {application:#x}")
        if version > len(schema.MIGRATIONS):
            raise NewerLibrary(
                say(
                    f"The library was written by a later Ondol: {self.path}",
                    f"더 나중의 온돌이 쓴 문서고입니다: {self.path}",
                ),
                say(
                    f"Its version is {version}; this Ondol knows {len(schema.MIGRATIONS)}.",
                    f"버전이 {version}인데, 이 온돌은 {len(schema.MIGRATIONS)}까지 압니다.",
                ),
                "pip install --upgrade ondol",
            )
        return int(version)

    def _migrate(self, version: int) -> int:
        """One step up, unless another process took it meanwhile; the version now."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            if self._version() == version:
                schema.MIGRATIONS[version](self.connection)
                self.connection.execute(f"PRAGMA application_id = {schema.APPLICATION}")
                self.connection.execute(f"PRAGMA user_version = {version + 1}")
            self.connection.execute("COMMIT")
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        return self._version()
