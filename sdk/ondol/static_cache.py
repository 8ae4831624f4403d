"""How tokens are handed to graphs with a cache of fixed length, whatever runs them.

Attention of such a graph sees the cache first and the new tokens behind it; a mask is added to its
scores. Layers with a sliding window have a mask of their own, `mask.{window}`.
"""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HIDDEN = -10_000.0  # within float16, where neural processors compute
IDS, POSITIONS, MASK = "input_ids", "positions", "mask"


def mask_name(window: int) -> str:
    """What the mask of layers with a sliding window is called; 0: of those that see everything."""
    return f"{MASK}.{window}" if window else MASK


def is_mask(name: str) -> bool:
    """Whether an input is called as a mask is."""
    return re.fullmatch(rf"{MASK}(\.[0-9]{{1,9}})?", name) is not None


class Step:
    """The small inputs of a graph for n tokens at a time, in memory that stays.

    `arrays` are by name: ids and positions int32 [n], masks float32 [n, held + n].
    """

    def __init__(self, n: int, held: int, masks: Iterable[str]) -> None:
        """Args: tokens at a time, positions of the cache, names that `is_mask` takes."""
        self.n, self._held = n, held
        self._masks = {name: np.zeros((n, held + n), np.float32) for name in masks}
        self._ids, self._positions = np.zeros(n, np.int32), np.zeros(n, np.int32)
        self.arrays: dict[str, NDArray[Any]] = {
            IDS: self._ids,
            POSITIONS: self._positions,
            **self._masks,
        }

    def take(self, ids: Sequence[int], start: int) -> None:
        """At most n tokens at positions from `start` on; what is missing is filled and hidden."""
        count = len(ids)
        self._ids[:count], self._ids[count:] = ids, 0
        np.minimum(start + np.arange(self.n), self._held - 1, out=self._positions)
        for name, mask in self._masks.items():
            _fill(mask, start, count, int(name.partition(".")[2] or 0))


def _fill(mask: "NDArray[np.float32]", start: int, count: int, window: int) -> None:
    """0 where a new position may look, in the cache and behind it; HIDDEN elsewhere."""
    n, held = len(mask), mask.shape[1] - len(mask)
    at = np.concatenate([np.arange(held), start + np.arange(n)])
    there = np.concatenate([np.arange(held) < start, np.arange(n) < count])
    own = (start + np.arange(n))[:, None]
    seen = there & (at <= own)
    if window:
        seen &= at > own - window
    seen[np.arange(n), held + np.arange(n)] = True  # of what only fills up, too
    np.copyto(mask, np.where(seen, np.float32(0), np.float32(HIDDEN)))
