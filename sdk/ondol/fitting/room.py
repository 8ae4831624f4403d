"""How much memory this process may still take, and what says so.

Sources: proc(5), getrlimit(2), and the kernel's cgroup-v1/memory.rst and cgroup-v2.rst.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ondol.language import say
from ondol.memory import resident_bytes, status_bytes

PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")
UNLIMITED = 1 << 60
"""From here on a cgroup's limit means none."""


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that one rule still allows. `address` counts addresses, not what is resident.

    `source` is MemAvailable, cgroup, RLIMIT_AS, RLIMIT_DATA or --memory.
    """

    source: str
    size_bytes: int
    address: bool = False

    @property
    def said(self) -> str:
        """What the rule is, in the user's language."""
        return {
            "MemAvailable": say("free on this machine", "이 기기에 남은 메모리"),
            "cgroup": say("the container's limit", "컨테이너 한도"),
            "--memory": "--memory",
        }.get(self.source, self.source)


def rooms(memory: int | None = None) -> tuple[Room, ...]:
    """Every rule that holds for this process, the tightest first.

    Args:
        memory: bytes that the process may have resident in all; None: no wish.
    """
    found = list(_system()) if sys.platform == "linux" else []
    if memory is not None:
        found.append(Room("--memory", max(0, memory - resident_bytes())))
    return tuple(sorted(found, key=lambda room: room.size_bytes))


def _system() -> Iterator[Room]:
    free = _field(PROC / "meminfo", "MemAvailable:")
    if free is not None:
        yield Room("MemAvailable", free * 1024)
    cgroup = cgroup_room(PROC / "self/cgroup", CGROUP)
    if cgroup is not None:
        yield Room("cgroup", cgroup)
    import resource

    for name, used in (("RLIMIT_AS", "VmSize"), ("RLIMIT_DATA", "VmData")):
        limit, _ = resource.getrlimit(getattr(resource, name))
        if limit != resource.RLIM_INFINITY:
            yield Room(name, max(0, limit - status_bytes(used)), address=True)


def cgroup_room(listing: Path, root: Path) -> int | None:
    """Bytes left in the tightest memory cgroup of a process, its own or one above; None: no limit.

    Args:
        listing: the process' `cgroup` file.
        root: where cgroups are mounted.
    """
    try:
        lines = listing.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    left: list[int] = []
    for line in lines:
        number, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            left += _levels(root / "memory", path, names)
        elif number == "0":
            for mount in (root, root / "unified"):
                left += _levels(mount, path, ("memory.max", "memory.current", "inactive_file"))
    return min(left, default=None)


def _levels(mount: Path, path: str, names: tuple[str, str, str]) -> Iterator[int]:
    at = mount / path.strip("/")
    for folder in (at, *at.parents):
        limit, used = _number(folder / names[0]), _number(folder / names[1])
        if limit is not None and used is not None and limit < UNLIMITED:
            # Pages of files are given back before anything is killed
            yield max(0, limit - used + (_field(folder / "memory.stat", names[2]) or 0))
        if folder == mount:
            return


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there, or "max"
        return None


def _field(path: Path, key: str) -> int | None:
    try:
        text = path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    rows = (line.split() for line in text.splitlines())
    return next((int(row[1]) for row in rows if row[:1] == [key] and len(row) > 1), None)
