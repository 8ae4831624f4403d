"""One decoder on one device: tokens in, logits out, and a KV cache of its own.

Public methods check their arguments and the session's state; methods with an underscore are the
device's and may trust what they are handed.
"""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Self

from ondol.errors import DeviceLost, NoSnapshot, OptionError
from ondol.language import say
from ondol.placement import Placed
from ondol.snapshot import Snapshot, copied, fault_of
from ondol.stateless import Exclusive, check_open
from ondol.token_ids import check_ids, check_room

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ondol.snapshot import Memory

    Logits = NDArray[np.float32]


class DecoderSession(ABC):
    """One model on one device with its own KV cache of `context` positions.

    Not to be used from two threads at once; open two sessions for that.
    `placement` says which node runs where, of devices that do not run every node themselves.
    """

    placement: tuple[Placed, ...] = ()

    def __init__(self, *, context: int, vocabulary: int) -> None:
        self.context = context
        self.vocabulary = vocabulary
        self._length = 0
        self._closed = False
        self._busy = threading.Lock()

    @property
    def length(self) -> int:
        """How many positions of the KV cache are filled, in tokens."""
        return self._length

    def append(self, ids: Sequence[int]) -> "Logits":
        """Run tokens after those already there.

        Args:
            ids: at least one token id below `vocabulary`.

        Returns:
            Logits of the last position, float32 of shape [vocabulary]. The array is the
            session's own and holds until the next call; copy it to keep it.

        Raises:
            ContextFull: if fewer than `len(ids)` positions are free; nothing was run.
            OptionError: if `ids` is empty or holds an id outside the vocabulary.
            DeviceLost: if the device is gone; the session is closed then.
            SessionClosed: after `close()`.
        """
        with self._exclusive():
            check_ids(ids, self.vocabulary, self._length, self.context)
            logits = self._run_or_lose(self._append, ids)
            self._length += len(ids)
            return logits

    def append_all(self, ids: Sequence[int]) -> "Logits":
        """Like `append`, but logits of every position, float32 of shape [len(ids), vocabulary]."""
        with self._exclusive():
            check_ids(ids, self.vocabulary, self._length, self.context)
            logits = self._run_or_lose(self._append_all, ids)
            self._length += len(ids)
            return logits

    def rewind(self, length: int) -> None:
        """Forget everything after the first `length` tokens.

        Raises:
            OptionError: if `length` is negative or more than there are.
            SessionClosed: after `close()`.
        """
        with self._exclusive():
            if not 0 <= length <= self._length:
                raise OptionError(
                    say(
                        f"Cannot rewind to {length} tokens.",
                        f"토큰 {length}개 위치로 되감을 수 없습니다.",
                    ),
                    say(
                        f"The session holds {self._length}.",
                        f"세션에는 {self._length}개가 있습니다.",
                    ),
                )
            self._rewind(length)
            self._length = length

    def snapshot(self) -> Snapshot:
        """A copy of what the cache holds, to go on from later with `restore`.

        Raises:
            NoSnapshot: if the device does not give its cache away.
            SessionClosed: after `close()`.
        """
        with self._exclusive():
            return copied(self._cached(self._length), self._length)

    def layout(self) -> Snapshot:
        """A snapshot of no tokens: the names, types and other sizes of its arrays.

        Raises:
            NoSnapshot: if the device does not give its cache away.
        """
        with self._exclusive():
            return copied(self._cached(self._length), 0)

    def restore(self, snapshot: Snapshot) -> None:
        """Hold what a session of the same model held on a device of this kind, bit by bit.

        Raises:
            ContextFull: if it is longer than this context; nothing was changed.
            OptionError: if it is of another model or kind of device; what was held is kept.
            NoSnapshot: if the device takes none.
            SessionClosed: after `close()`.
        """
        with self._exclusive():
            check_room(snapshot.length, 0, self.context)
            fault = fault_of(snapshot, self._cached(self._length))
            if fault:
                raise OptionError(
                    say(
                        "The snapshot is of another model or device.",
                        "다른 모델이나 장치의 스냅샷입니다.",
                    ),
                    fault,
                    say("Run the text again.", "글을 다시 실행하세요."),
                )
            for name, array in self._cached(snapshot.length).items():
                array[..., : snapshot.length, :] = snapshot.arrays[name]
            self._rewind(snapshot.length)
            self._length = snapshot.length

    def close(self) -> None:
        """Free the device. Closing twice is allowed."""
        if not self._closed:
            self._closed = True
            self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @abstractmethod
    def _append(self, ids: Sequence[int]) -> "Logits":
        """Run `ids` at positions `length` onward; logits of the last, float32 [vocabulary]."""

    def _append_all(self, ids: Sequence[int]) -> "Logits":
        """Logits of every position; a device that can do it in one pass overrides this."""
        import numpy as np

        start, rows = self._length, np.empty((len(ids), self.vocabulary), np.float32)
        try:
            for row, token in enumerate(ids):
                rows[row] = self._append([token])
                self._length += 1
        finally:
            self._length = start
        return rows

    def _rewind(self, length: int) -> None:
        """Called before `length` shrinks; enough for caches that are overwritten in place."""

    def _cached(self, length: int) -> "Memory":
        """The cache itself, [..., positions, head_dim] by name, with room for `length` positions.

        What it held up to then stays; `restore` writes into it and then calls `_rewind`.
        """
        raise NoSnapshot(
            say("This device does not give its cache away.", "캐시를 내주지 않는 장치입니다."),
            type(self).__name__,
            say("Run the text again.", "글을 다시 실행하세요."),
        )

    def _close(self) -> None:
        """Free what the device holds."""

    def _run_or_lose(
        self, run: "Callable[[Sequence[int]], Logits]", ids: Sequence[int]
    ) -> "Logits":
        """Run `ids`; a device that is lost takes the session with it."""
        try:
            return run(ids)
        except DeviceLost:
            self.close()
            raise

    def _exclusive(self) -> Exclusive:
        check_open(self._closed)
        return Exclusive(self._busy)
