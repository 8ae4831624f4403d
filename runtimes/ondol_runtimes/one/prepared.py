"""Circle files on onert: prepared for one size, run on arrays by name, its words kept.

onert says why it refuses on the process's standard error and raises a bare status; so that is
read, put into the error, and kept off the user's terminal.
Weights stay mapped from their file, so that graphs prepared for several sizes share them.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from ondol.errors import DeviceError
from ondol.language import say
from ondol.plan import usable_cores
from ondol.target_reports import OneReport
from ondol_runtimes.one.trial import refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

BACKEND = "cpu"
_speaking = Lock()


class Prepared:
    """A circle file for inputs of one size."""

    def __init__(
        self, path: str, circle: OneReport, sizes: Mapping[str, Sequence[int]], threads: int
    ) -> None:
        """Args: its file, what is said of it, the shape of each input, and threads.

        Raises:
            CorruptBundle: if onert cannot load it, in onert's words.
        """
        from onert.native.libnnfw_api_pybind import infer, prepare_config

        self._names = [port.name for port in circle.inputs]
        self._outputs = {port.name: at for at, port in enumerate(circle.outputs)}
        self._held: dict[str, NDArray[Any]] = {}
        self._sizes = {name: tuple(sizes[name]) for name in self._names}
        self._types = {port.name: port.dtype for port in circle.inputs}
        with _refusals(path), _told(threads):
            session = infer.nnfw_session(path, BACKEND)
            found = (session.input_size(), session.output_size())
            if found != (len(circle.inputs), len(circle.outputs)):
                raise RuntimeError(f"{found} inputs and outputs")
            for at, name in enumerate(self._names):
                info = session.input_tensorinfo(at)
                info.rank, info.dims = len(self._sizes[name]), list(self._sizes[name])
                session.set_input_tensorinfo(at, info)
            session.set_prepare_config(prepare_config.ENABLE_INTERNAL_OUTPUT_ALLOC)
            session.prepare()
        self._session = session

    def feed(self, name: str, array: "NDArray[Any]") -> None:
        """Let an input be this memory from now on; it is read at every run.

        Raises:
            ValueError: if it is not of the input's type and size: onert does not check that.
        """
        wanted = (self._types[name], self._sizes[name])
        if (array.dtype.name, array.shape) != wanted or not array.flags.c_contiguous:
            raise ValueError(f"{name}: {array.dtype} {array.shape} ≠ {wanted}")
        self._held[name] = array
        self._session.set_input(self._names.index(name), array)

    def run(self) -> None:
        """Compute the outputs from what every input was fed.

        Raises:
            DeviceError: in onert's words, if it cannot.
        """
        with _failures():
            self._session.run()

    def output(self, name: str) -> "NDArray[np.float32]":
        """An output of the last run, flat; the caller's own."""
        made: NDArray[np.float32] = self._session.get_output(self._outputs[name])
        return made.reshape(-1)


@contextmanager
def _refusals(path: str) -> Iterator[None]:
    with _heard() as words:
        try:
            yield
        except Exception as exc:  # its errors share no base class
            raise refused(os.path.basename(path), f"onert: {words(exc)}") from exc


@contextmanager
def _failures() -> Iterator[None]:
    with _heard() as words:
        try:
            yield
        except Exception as exc:  # its errors share no base class
            raise DeviceError(
                say("The device could not run the model.", "장치가 모델을 실행하지 못했습니다."),
                f"onert: {words(exc)}",
                say("Verify the bundle: ondol verify", "번들을 검사하세요: ondol verify"),
            ) from exc


@contextmanager
def _heard() -> Iterator[Any]:
    """Standard error goes to a file meanwhile; what is given reads it, beside an exception.

    Where nothing was raised, what was written is passed on: it may be another thread's.
    """
    with _speaking, tempfile.TemporaryFile() as file, _into(file.fileno()) as passed_on:

        def words(exc: BaseException) -> str:
            file.seek(0)
            said = " ".join(file.read().decode("utf-8", "replace").split())
            return f"{said} ({exc})"[:400] if said else f"{type(exc).__name__}: {exc}"

        yield words
        if file.seek(0, os.SEEK_END):
            file.seek(0)
            passed_on(file.read())


@contextmanager
def _into(descriptor: int) -> Iterator[Callable[[bytes], object]]:
    """Standard error is another file meanwhile; what is given writes to the real one."""
    try:
        kept = os.dup(2)
    except OSError:  # a process without a terminal may have none
        yield lambda said: None
        return
    os.dup2(descriptor, 2)
    try:
        yield lambda said: os.write(kept, said)
    finally:
        os.dup2(kept, 2)
        os.close(kept)


@contextmanager
def _told(threads: int) -> Iterator[None]:
    """Tell onert its settings, and no other reader of the environment afterwards."""
    # Its threads wait for each other in a loop: beside a busy core, all of them crawl
    most = max(1, usable_cores() - 1)
    wanted = {"NUM_THREADS": str(min(threads, most)), "USE_MMAPED_DATA": "1"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
