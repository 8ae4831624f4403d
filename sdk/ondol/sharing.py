"""Replies that share one session: who may use it, and what they find in the cache when they may.

Replies take turns of a few tokens, first come first served. What one leaves behind when another
takes the cache is kept as a snapshot while somebody may need it, so going on costs a copy and
not a second run of the text.
"""

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ondol.snapshot import Snapshot

QUANTUM = 16  # tokens in a row while others wait: a change of replies copies the cache
GRACE = 0.005  # seconds that a reply may be away before its turn passes on
NAP = 0.05  # seconds between looks at whether a reply that waits was cancelled
LEAST = 16  # tokens below which running again is cheaper than keeping

SNAPSHOT_BYTES = 64 << 20
"""What snapshots take at most where nobody says."""


class Turns:
    """Who may use a session now. A reply keeps its turn for `QUANTUM` tokens if it hurries."""

    def __init__(self) -> None:
        self._free = threading.Condition()
        self._waiting: deque[object] = deque()
        self._owner: object | None = None
        self._busy = False
        self._left = 0
        self._seen = 0.0

    def take(self, who: object, stopped: Callable[[], bool] = lambda: False) -> bool:
        """Wait until it is this one's turn; False if `stopped` says so before that."""
        with self._free:
            if self._owner is who and not self._busy and (self._left > 0 or not self._waiting):
                self._busy = True
                return True
            self._waiting.append(who)
            try:
                while not self._may(who):
                    if stopped():
                        return False
                    self._free.wait(GRACE if self._waiting[0] is who else NAP)
            finally:
                self._waiting.remove(who)
            self._owner, self._left, self._busy = who, QUANTUM, True
            return True

    def give(self, ended: bool) -> None:
        """Let go after a token; `ended`: the reply needs no other turn."""
        with self._free:
            self._busy = False
            self._left -= 1
            self._seen = time.monotonic()
            if ended:
                self._owner = None
            if self._waiting and (ended or self._left <= 0):
                self._free.notify_all()

    def _may(self, who: object) -> bool:
        if self._busy or self._waiting[0] is not who:
            return False
        away = time.monotonic() - self._seen >= GRACE
        return self._owner in (None, who) or self._left <= 0 or away


@dataclass(frozen=True, slots=True)
class Kept:
    """Tokens and their snapshot, for as long as their holder lives."""

    holder: "weakref.ref[object]"
    tokens: tuple[int, ...]
    snapshot: Snapshot


class Prefixes:
    """Snapshots of holders that lost the cache, the least recently left dropped first.

    Args:
        most_bytes: what they take at most, together.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._kept: list[Kept] = []

    @property
    def size_bytes(self) -> int:
        """What they take now."""
        return sum(kept.snapshot.size_bytes for kept in self._kept)

    def keep(self, holder: object, tokens: Sequence[int], snapshot: Snapshot) -> None:
        """Keep what a holder leaves, in the place of what it left before."""
        self.drop(holder)
        self._kept.append(Kept(weakref.ref(holder), tuple(tokens), snapshot))
        while self._kept and self.size_bytes > self.most_bytes:
            del self._kept[0]

    def best(self, tokens: Sequence[int]) -> tuple[int, Kept] | None:
        """How many leading tokens the most fitting one shares, and which it is."""
        self.drop(None)
        found = [(common(kept.tokens, tokens), kept) for kept in self._kept]
        return max(found, key=lambda pair: pair[0], default=None)

    def of(self, holder: object) -> Kept | None:
        """What a holder left."""
        return next((kept for kept in self._kept if kept.holder() is holder), None)

    def drop(self, holder: object | None) -> None:
        """Forget what a holder left, and what nobody is left to need."""
        self._kept = [kept for kept in self._kept if kept.holder() not in (None, holder)]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


def common(held: Sequence[int], prompt: Sequence[int]) -> int:
    """How many leading tokens two runs share, leaving one of the prompt to run."""
    most = min(len(held), len(prompt) - 1)
    return next((at for at in range(most) if held[at] != prompt[at]), most)
