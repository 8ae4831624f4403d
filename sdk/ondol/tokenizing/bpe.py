"""Byte-pair merging (arXiv 1508.07909): the lowest rank first, the leftmost of equals."""

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from ondol.tokenizing.table import NO_MERGE

_SHORT = 48
_ID = 0xFFFFFFFF


def merged(ids: list[int], merge: Callable[[int, int], int]) -> list[int]:
    """The ids that are left when nothing can be merged any more.

    Args:
        ids: of single characters or bytes; the list may be changed.
        merge: what two ids become, as rank << 32 | id, or `NO_MERGE`.
    """
    return _by_list(ids, merge) if len(ids) <= _SHORT else _by_heap(ids, merge)


def _by_list(ids: list[int], merge: Callable[[int, int], int]) -> list[int]:
    """For words: looking at all pairs again is quicker than keeping them in order."""
    ranks = [merge(left, right) for left, right in zip(ids, ids[1:], strict=False)]
    while ranks:
        best = min(ranks)
        if best == NO_MERGE:
            break
        at = ranks.index(best)
        ids[at] = best & _ID
        del ids[at + 1], ranks[at]
        if at:
            ranks[at - 1] = merge(ids[at - 1], ids[at])
        if at < len(ranks):
            ranks[at] = merge(ids[at], ids[at + 1])
    return ids


def _by_heap(ids: list[int], merge: Callable[[int, int], int]) -> list[int]:
    """For texts that nothing cuts: n log n in their length."""
    count = len(ids)
    after = [*range(1, count), -1]
    before = list(range(-1, count - 1))
    heap = [
        (found, at) for at in range(count - 1) if (found := merge(ids[at], ids[at + 1])) != NO_MERGE
    ]
    heapify(heap)
    while heap:
        found, at = heappop(heap)
        right = after[at]
        # An entry is old where a neighbour has been merged since
        if ids[at] < 0 or right < 0 or merge(ids[at], ids[right]) != found:
            continue
        ids[at], ids[right] = found & _ID, -1
        following = after[at] = after[right]
        if following >= 0:
            before[following] = at
            new = merge(ids[at], ids[following])
            if new != NO_MERGE:
                heappush(heap, (new, at))
        previous = before[at]
        if previous >= 0:
            new = merge(ids[previous], ids[at])
            if new != NO_MERGE:
                heappush(heap, (new, previous))
    return [number for number in ids if number >= 0]
