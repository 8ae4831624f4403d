"""What a session holds of a conversation, copied out: keys and values by name and position."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Memory = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The first `length` positions of a cache, in tokens.

    `arrays` are [..., length, head_dim] in the type that the device holds them in, named
    "0.key", "0.value" and so on; they are copies, or views of another snapshot.
    """

    length: int
    arrays: "Memory"

    @property
    def size_bytes(self) -> int:
        """Bytes of all its arrays."""
        return sum(array.nbytes for array in self.arrays.values())

    def first(self, length: int) -> "Snapshot":
        """The part of it before a position; nothing is copied."""
        return Snapshot(
            length, {name: array[..., :length, :] for name, array in self.arrays.items()}
        )


def copied(memory: "Memory", length: int) -> Snapshot:
    """The first positions of a cache [..., positions, head_dim]."""
    return Snapshot(length, {name: array[..., :length, :].copy() for name, array in memory.items()})


def fault_of(snapshot: Snapshot, memory: "Memory") -> str:
    """Why a snapshot is not of this cache; empty where it is."""
    if snapshot.arrays.keys() != memory.keys():
        return f"{len(snapshot.arrays)} ≠ {len(memory)}"
    for name, array in memory.items():
        wanted = (*array.shape[:-2], snapshot.length, array.shape[-1])
        found = snapshot.arrays[name]
        if (found.dtype, found.shape) != (array.dtype, wanted):
            return f"{name}: {found.dtype} {found.shape} ≠ {array.dtype} {wanted}"
    return ""
