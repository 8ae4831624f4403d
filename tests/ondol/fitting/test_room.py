"""What limits a process, from the files the kernel writes."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from ondol.fitting import rooms
from ondol.fitting.room import cgroup_room

MIB = 1 << 20


def _write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


def test_the_tightest_cgroup_above_counts_v2(tmp_path: Path) -> None:
    _write(tmp_path / "a/b", memory__max="max\n", memory__current="5\n")
    _write(
        tmp_path / "a",
        memory__max=f"{300 * MIB}\n",
        memory__current=f"{120 * MIB}\n",
        memory__stat=f"anon 1\ninactive_file {20 * MIB}\n",
    )
    _write(tmp_path, memory__stat="inactive_file 0\n")
    listing = tmp_path / "cgroup"
    listing.write_text("0::/a/b\n")
    assert cgroup_room(listing, tmp_path) == 200 * MIB


def test_a_cgroup_of_the_first_version(tmp_path: Path) -> None:
    files = {"memory__limit_in_bytes": f"{100 * MIB}", "memory__usage_in_bytes": f"{30 * MIB}"}
    _write(tmp_path / "memory/box", **files)
    _write(tmp_path / "memory", memory__limit_in_bytes=str((1 << 63) - 4096))
    listing = tmp_path / "cgroup"
    listing.write_text("5:cpu:/x\n4:memory:/box\n")
    assert cgroup_room(listing, tmp_path) == 70 * MIB


def test_without_limits_there_is_none(tmp_path: Path) -> None:
    listing = tmp_path / "cgroup"
    assert cgroup_room(listing, tmp_path) is None
    listing.write_text("0::/\nnonsense\n")
    assert cgroup_room(listing, tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not say")
def test_a_wish_is_one_more_rule() -> None:
    found = rooms(1 << 50)
    assert {room.source for room in found} >= {"MemAvailable", "--memory"}
    assert rooms(1)[0].source == "--memory" and rooms(1)[0].size_bytes == 0
    assert [room.size_bytes for room in found] == sorted(room.size_bytes for room in found)


@pytest.mark.skipif(sys.platform != "linux", reason="the system does not say")
def test_limits_of_a_process_are_seen() -> None:
    script = "from ondol.fitting import rooms; print([r.source for r in rooms() if r.address])"

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (1 << 32, 1 << 32))
        resource.setrlimit(resource.RLIMIT_DATA, (1 << 31, 1 << 31))

    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, preexec_fn=limit, stdout=subprocess.PIPE, check=True)
    assert sorted(eval(ran.stdout)) == ["RLIMIT_AS", "RLIMIT_DATA"]
