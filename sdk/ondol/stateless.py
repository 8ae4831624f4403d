"""The contract of graphs without a state: arrays in by name, arrays out by name."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ondol.errors import DeviceLost, OptionError, SessionClosed
from ondol.language import say
from ondol.placement import Placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a graph: numpy's name of its type; None is any size."""

    name: str
    dtype: str
    shape: tuple[int | None, ...]

    def takes(self, dtype: str, shape: Sequence[int]) -> bool:
        """Whether an array of this type and shape fits."""
        return (
            dtype == self.dtype
            and len(shape) == len(self.shape)
            and all(
                mine is None or mine == theirs
                for mine, theirs in zip(self.shape, shape, strict=True)
            )
        )

    def __str__(self) -> str:
        sizes = ", ".join("?" if size is None else str(size) for size in self.shape)
        return f"{self.name} {self.dtype} [{sizes}]"


class Session(ABC):
    """One graph on one device. Not to be used from two threads at once.

    `placement` says which node runs where, of devices that do not run every node themselves.
    `longest` is the most tokens of a text, where graphs of fixed lengths take fewer than the model.
    """

    placement: tuple[Placed, ...] = ()
    longest: int | None = None

    def __init__(self, inputs: Sequence[Port], outputs: Sequence[Port]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self._closed = False
        self._busy = threading.Lock()

    def run(self, feeds: "Arrays") -> "Arrays":
        """Run the graph once.

        Args:
            feeds: an array for every input, of its type and shape.

        Returns:
            An array for every output, the caller's own.

        Raises:
            OptionError: if an input is missing, unknown, or of another type or shape.
            DeviceError: if the device fails; `DeviceLost` if it is gone, which closes the session;
                `SessionClosed` after `close()`.
        """
        with self.exclusive():
            self._check(feeds)
            try:
                return self._run(feeds)
            except DeviceLost:  # it takes the session with it
                self.close()
                raise

    def exclusive(self) -> "Exclusive":
        """Held while the session is in use; another thread's `run` is an error meanwhile."""
        check_open(self._closed)
        return Exclusive(self._busy)

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
    def _run(self, feeds: "Arrays") -> "Arrays":
        """Every output by name, from inputs that fit."""

    def _close(self) -> None:
        """Free what the device holds."""

    def _check(self, feeds: "Arrays") -> None:
        ports = {port.name: port for port in self.inputs}
        wrong = sorted(ports.keys() ^ feeds.keys())
        wrong += [
            f"{port} ← {feeds[name].dtype.name} {list(feeds[name].shape)}"
            for name, port in ports.items()
            if name in feeds and not port.takes(feeds[name].dtype.name, feeds[name].shape)
        ]
        if wrong:
            raise OptionError(
                say("The graph does not take these inputs.", "그래프에 맞지 않는 입력입니다."),
                "; ".join(wrong)[:400],
                say("It takes: ", "받는 입력: ") + "; ".join(map(str, self.inputs)),
            )


class Exclusive:
    """Turns use from two threads at once into an error instead of a broken session."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise OptionError(
                say(
                    "The session is in use by another thread.",
                    "다른 스레드가 쓰고 있는 세션입니다.",
                ),
                say(
                    "A session runs one call at a time.",
                    "세션은 한 번에 한 호출만 실행합니다.",
                ),
                say("Open one session per thread.", "스레드마다 세션을 따로 여세요."),
            )

    def __exit__(self, *exc: object) -> None:
        self._lock.release()


def check_open(closed: bool) -> None:
    """Refuse a session that was closed.

    Raises:
        SessionClosed: if it was.
    """
    if closed:
        raise SessionClosed(
            say("The session is closed.", "이미 닫힌 세션입니다."),
            say("close() was called before.", "앞서 close()가 호출되었습니다."),
            say("Open a new session.", "세션을 새로 여세요."),
        )
