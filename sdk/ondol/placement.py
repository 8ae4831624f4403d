"""Which node of a graph runs where, as the engine that placed it says."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placed:
    """One node: its name, its operator (`domain::Name` outside the default one), and where."""

    node: str
    operator: str
    device: str


def counted(placement: Iterable[Placed]) -> Mapping[str, Mapping[str, int]]:
    """How many nodes of each operator run on each device."""
    found: dict[str, Counter[str]] = {}
    for placed in placement:
        found.setdefault(placed.device, Counter())[placed.operator] += 1
    return found
