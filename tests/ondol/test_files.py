"""Writing that is whole or not at all, whatever the disk or another process does."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ondol.errors import Busy, DiskFull, StorageError
from ondol.files import (
    locked,
    recover,
    replaced_folder,
    storage_errors,
    temporary_folder,
    write_whole,
)


def names(folder: Path) -> set[str]:
    """What a folder holds, lock files left out: they stay, and are empty."""
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_has_its_own_error(code: int) -> None:
    with pytest.raises(DiskFull, match="there") as caught, storage_errors(Path("there")):
        raise OSError(code, os.strerror(code))
    assert "ONDOL_HOME" in caught.value.fix and "untouched" in caught.value.why


def test_other_refusals_carry_the_systems_reason() -> None:
    with pytest.raises(StorageError, match="Read-only") as caught, storage_errors(Path("there")):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    assert not isinstance(caught.value, DiskFull)


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == {"a"}
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "in").touch()
    with pytest.raises(StorageError):
        write_whole(tmp_path / "b", b"x")
    with pytest.raises(StorageError):
        write_whole(tmp_path / "absent" / "b", b"x")
    assert names(tmp_path) == {"a", "b"}


def test_a_folder_takes_the_others_place_only_when_the_block_ends_well(tmp_path: Path) -> None:
    target = tmp_path / "model"
    with replaced_folder(target) as fresh:
        (fresh / "a").write_text("first")
        assert not target.exists()
    with pytest.raises(KeyError), replaced_folder(target) as fresh:
        (fresh / "a").write_text("second")
        raise KeyError
    assert (target / "a").read_text() == "first"
    with replaced_folder(target) as fresh:
        (fresh / "b").write_text("third")
        assert (target / "a").read_text() == "first"
    assert names(target) == {"b"}
    assert names(tmp_path) == {"model"}


def test_leftovers_of_the_killed_go_and_those_of_others_stay(tmp_path: Path) -> None:
    mine, others = ".qwen2.41.partial", (".qwen2.5.42.partial", ".qwen2x.43.partial", "qwen2.5")
    for name in (mine, *others):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.bin").write_text("half")
    with replaced_folder(tmp_path / "qwen2") as fresh:
        (fresh / "a").touch()
    assert names(tmp_path) == {"qwen2", *others}


@pytest.mark.parametrize("name", ["a[1]", "a*", "한국어 모델", "a.b"])
def test_names_that_mean_something_to_patterns(tmp_path: Path, name: str) -> None:
    (tmp_path / f".{name}.7.partial").mkdir()
    (tmp_path / ".a1.7.partial").mkdir()
    with replaced_folder(tmp_path / name) as fresh:
        (fresh / "a").touch()
    assert names(tmp_path) == {name, ".a1.7.partial"}


def test_what_died_between_two_renames_comes_back(tmp_path: Path) -> None:
    target, old = tmp_path / "model", tmp_path / ".model.old"
    old.mkdir()
    (old / "a").write_text("old")
    recover(target)
    assert (target / "a").read_text() == "old" and not old.exists()
    old.mkdir()
    recover(target)
    assert old.exists() and (target / "a").read_text() == "old"
    with pytest.raises(KeyError), replaced_folder(target):
        raise KeyError
    assert names(tmp_path) == {"model"} and (target / "a").read_text() == "old"


def test_an_old_one_also_comes_back_when_the_next_conversion_fails(tmp_path: Path) -> None:
    (tmp_path / ".model.old").mkdir()
    (tmp_path / ".model.old" / "a").write_text("old")
    with pytest.raises(KeyError), replaced_folder(tmp_path / "model"):
        raise KeyError
    assert (tmp_path / "model" / "a").read_text() == "old"


def test_through_a_link_the_folder_behind_it_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a").touch()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real", target_is_directory=True)
    for name in ("b", "c"):
        with replaced_folder(link) as fresh:
            (fresh / name).touch()
    assert link.is_symlink() and names(tmp_path / "real") == {"c"}
    assert names(tmp_path) == {"real", "link"}


@pytest.mark.parametrize("parent", ["file", "/proc"])
def test_a_place_where_nothing_can_be_written(tmp_path: Path, parent: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="Cannot write"):  # noqa: SIM117
        with replaced_folder(tmp_path / parent / "model"):
            pytest.fail("nothing can be written there")


HOLD = """
import sys, time
from pathlib import Path
from ondol.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock of `model`."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "model")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_writer_is_told_so(tmp_path: Path, holder: "subprocess.Popen[str]") -> None:
    with pytest.raises(Busy, match="model"):  # noqa: SIM117
        with replaced_folder(tmp_path / "model"):
            pytest.fail("the lock is another's")
    with locked(tmp_path / "other"):
        pass
    assert names(tmp_path) == set()
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with replaced_folder(tmp_path / "model") as fresh:
        (fresh / "a").touch()


def test_nothing_is_recovered_from_under_a_writer(
    tmp_path: Path, holder: "subprocess.Popen[str]"
) -> None:
    (tmp_path / ".model.old").mkdir()
    recover(tmp_path / "model")
    assert holder.poll() is None
    assert names(tmp_path) == {".model.old"}


def test_a_temporary_folder_is_gone_after_its_block(tmp_path: Path) -> None:
    with temporary_folder(tmp_path / "a" / "b", "open") as first:
        (first / "full").write_text("x")
        with pytest.raises(KeyError), temporary_folder(first.parent, "open") as second:
            assert second != first and (first / "full").exists()
            raise KeyError
        assert names(first.parent) == {first.name}
    assert list((tmp_path / "a" / "b").iterdir()) == []
    with pytest.raises(StorageError), temporary_folder(Path("/proc/x"), "open"):
        pytest.fail("nothing can be written there")


def test_temporary_folders_of_the_killed_go_and_others_stay(tmp_path: Path) -> None:
    others = {f"open-{15 * 'a'}", f"opens-{16 * 'a'}", f"open-{16 * 'x'}", "open-"}
    for name in (*others, f"open-{16 * 'a'}"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weights.bin").write_text("half")
    with temporary_folder(tmp_path, "open") as fresh:
        assert names(tmp_path) == {*others, fresh.name}
