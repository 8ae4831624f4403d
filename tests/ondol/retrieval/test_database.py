"""The file of a library: killed writers, locks, full disks, other versions, other files."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ondol.errors import Busy, DiskFull
from ondol.retrieval import ingesting, rows, schema
from ondol.retrieval.database import Database
from ondol.retrieval.errors import CorruptLibrary, NewerLibrary, ReadOnlyLibrary
from ondol.retrieval.library import Library

TEXT = "{}번 문서이다. 온돌은 바닥을 데우는 난방이다."
ENDLESS = """
import sys
sys.modules["kiwipiepy"] = None  # its model takes longer to load than all of this
from pathlib import Path
from ondol.retrieval.library import Library
folder, path = map(Path, sys.argv[1:])
with Library.open(path, encoder=None) as library:
    for number, file in enumerate(sorted(folder.iterdir())):
        library.ingest(file)
        print(number + 1, flush=True)
"""


def documents(folder: Path, count: int) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:04}.txt").write_text(TEXT.format(number), "utf-8")
    return folder


def consistent(path: Path) -> int:
    """How many documents there are, each of them whole."""
    with Library.open(path, encoder=None, create=False) as library:
        held = library.documents()
        assert all(each.passages == 1 for each in held)
        for each in held[-3:]:
            number = int(Path(each.document).stem)
            assert library.search(f"{number}번 문서", by="words")
    with sqlite3.connect(path) as look:
        assert look.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        look.execute("INSERT INTO terms (terms) VALUES ('integrity-check')")
    look.close()
    return len(held)


def test_a_killed_writer_loses_nothing_committed(tmp_path: Path) -> None:
    folder, path = documents(tmp_path / "docs", 400), tmp_path / "a.db"
    command = [sys.executable, "-c", ENDLESS, str(folder), str(path)]
    least = 0
    for rounds in range(3):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            said = [writer.stdout.readline() for _ in range(20 * (rounds + 1))]
            least = max(least, int(said[-1]))
            time.sleep(0.003 * rounds)  # somewhere inside a later document
            writer.kill()
        assert consistent(path) >= least
    assert least == 60


def test_a_group_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    monkeypatch.setattr(ingesting, "GROUP", 2)
    folder = documents(tmp_path / "docs", 5)
    real, calls = rows.insert, list[int]()

    def fails_at_the_fourth(*arguments: object) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(ingesting, "insert", fails_at_the_fourth)
    with Library.open(path, encoder=None) as library:
        with pytest.raises(KeyboardInterrupt):
            library.ingest(folder)
        assert len(library.documents()) == 2
        assert len(library.ingest(folder).added) == 3


def test_a_locked_library_is_busy_for_writers_and_open_to_readers(tmp_path: Path) -> None:
    folder, path = documents(tmp_path / "docs", 1), tmp_path / "a.db"
    with Library.open(path, encoder=None) as library:
        library.ingest(folder)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with Library.open(path, encoder=None, wait_seconds=0.05) as library:
        assert library.search("온돌")
        (folder / "0001.txt").write_text("새 글이다.", "utf-8")
        with pytest.raises(Busy):
            library.ingest(folder)
        other.execute("ROLLBACK")
        assert len(library.ingest(folder).added) == 1
    other.close()


def test_a_full_disk_harms_nothing(tmp_path: Path) -> None:
    folder, path = documents(tmp_path / "docs", 40), tmp_path / "a.db"
    with Library.open(path, encoder=None) as library:
        library.ingest(folder / "0000.txt")
        limit = library._database.connection
        (pages,) = limit.execute("PRAGMA page_count").fetchone()
        limit.execute(f"PRAGMA max_page_count = {pages + 1}")  # SQLite's own SQLITE_FULL
        with pytest.raises(DiskFull):
            library.ingest(folder)
        assert len(library.documents()) == 1 and library.search("온돌")
    assert consistent(path) == 1


def as_nobody(act: Callable[[], None]) -> int:
    """Run in a child without the rights of root; its exit code."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("sealed", [False, True], ids=["file", "folder"])
def test_a_library_that_may_only_be_read(tmp_path: Path, sealed: bool) -> None:
    folder, path = documents(tmp_path / "docs", 2), tmp_path / "kept" / "a.db"
    path.parent.mkdir()
    with Library.open(path, encoder=None) as library:
        library.ingest(folder / "0000.txt")
    for each in (tmp_path, *tmp_path.parents):
        if each.is_relative_to("/tmp") and each != Path("/tmp"):
            each.chmod(0o755)
    path.parent.chmod(0o555 if sealed else 0o777)
    path.chmod(0o444)

    def read_and_try() -> None:
        with Library.open(path, encoder=None, create=False) as library:
            assert library.search("온돌")
            with pytest.raises(ReadOnlyLibrary):
                library.ingest(folder)

    assert as_nobody(read_and_try) == 0
    path.parent.chmod(0o755)


def test_a_newer_library_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Library.open(path, encoder=None).close()
    with sqlite3.connect(path) as later:
        later.execute(f"PRAGMA user_version = {len(schema.MIGRATIONS) + 1}")
    later.close()
    with pytest.raises(NewerLibrary, match="later Ondol"):
        Library.open(path, encoder=None)


def test_an_older_library_is_brought_up_in_one_step_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, path = documents(tmp_path / "docs", 1), tmp_path / "a.db"
    with Library.open(path, encoder=None) as library:
        library.ingest(folder)

    def next_step(connection: sqlite3.Connection) -> None:
        connection.execute("ALTER TABLE documents ADD COLUMN language TEXT")
        if fails:
            connection.execute("SELECT none FROM nowhere")

    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, next_step))
    for fails in (True, False):
        if fails:
            with pytest.raises(Exception, match="nowhere"):
                Database.open(path)
            continue
        database = Database.open(path)
        assert database._version() == len(schema.MIGRATIONS)
        assert database.connection.execute("SELECT language FROM documents").fetchall() == [(None,)]
        database.close()
    assert consistent(path) == 1


def test_other_files_are_no_libraries(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"PK" + bytes(5000))
    with pytest.raises(CorruptLibrary):
        Library.open(path)
    path.unlink()
    with sqlite3.connect(path) as theirs:
        theirs.execute("CREATE TABLE other (name TEXT)")
    theirs.close()
    with pytest.raises(CorruptLibrary):
        Library.open(path)
    with sqlite3.connect(path) as theirs:
        assert theirs.execute("SELECT name FROM sqlite_master").fetchall() == [("other",)]
    theirs.close()


def test_a_damaged_library_is_named(tmp_path: Path) -> None:
    folder, path = documents(tmp_path / "docs", 200), tmp_path / "a.db"
    with Library.open(path, encoder=None) as library:
        library.ingest(folder)
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 4096):
        data[at : at + 200] = os.urandom(200)
    path.write_bytes(bytes(data))
    with pytest.raises(CorruptLibrary), Library.open(path, encoder=None) as library:
        library.search("온돌")
        library.documents()


def test_two_writers_take_turns(tmp_path: Path) -> None:
    folder, path = documents(tmp_path / "docs", 30), tmp_path / "a.db"
    command = [sys.executable, "-c", ENDLESS, str(folder), str(path)]
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL) as one,
        subprocess.Popen(command, stdout=subprocess.DEVNULL) as two,
    ):
        pass
    assert (one.returncode, two.returncode) == (0, 0)
    assert consistent(path) == 30
