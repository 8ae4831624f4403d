"""What devices on ONNX Runtime ask of a build of it, whichever way they reach it.

Two ways there are: its Python package (`_package.py`) and its C library (`capi/`). The decoder,
the prefill stages and stateless graphs are written once, on top of these three classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ondol.errors import DeviceError
from ondol.language import say
from ondol.placement import Placed
from ondol.stateless import Port

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol.bundle import Bundle

    Array = NDArray[Any]

FATAL = 4
WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"
SAVE_PACKED = {
    "session.save_external_prepacked_constant_initializers": "1",
    "session.optimized_model_external_initializers_file_name": "piece.bin",
    "session.optimized_model_external_initializers_min_size_in_bytes": "1024",
}
"""Entries that write what kernels packed beside an optimised graph."""
SAME_AS_REQUESTED = 1
"""How the arena that stages share grows: by what was asked for, not by the next power of two."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How one graph is opened.

    `threads` are those inside an operator. `spin` lets idle ones wait in a loop, and
    `stop_spinning` ends that with each run. `shared_arena` takes scratch memory from one arena
    with every other graph that is opened so.
    """

    threads: int
    spin: bool
    stop_spinning: bool = False
    shared_arena: bool = False

    @property
    def entries(self) -> Mapping[str, str]:
        """Configuration entries of a session (onnxruntime_session_options_config_keys.h)."""
        made = {
            "session.intra_op.allow_spinning": str(int(self.spin)),
            "session.use_device_allocator_for_initializers": "1",
        }
        if self.stop_spinning:
            made["session.force_spinning_stop"] = "1"
        if self.shared_arena:
            made["session.use_env_allocators"] = "1"
        return made


class Binding(ABC):
    """Memory bound to the inputs and outputs of a graph; it must outlive what is bound."""

    @abstractmethod
    def input(self, name: str, value: "Array", shape: Sequence[int]) -> None:
        """Bind an input to the first elements of a contiguous array, in a shape."""

    @abstractmethod
    def output(self, name: str, value: "Array") -> None:
        """Bind an output to memory that is written by every run."""

    @abstractmethod
    def run(self) -> None:
        """Run the graph on what is bound; any exception is the engine's own."""


class Graph(ABC):
    """One open graph; what is of no type that numpy has is refused when it is opened.

    `placement` is empty where every node runs on one device.
    """

    placement: tuple[Placed, ...] = ()
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    @abstractmethod
    def binding(self) -> Binding:
        """Nothing bound yet."""

    @abstractmethod
    def run(self, feeds: "Mapping[str, Array]") -> "list[Array]":
        """Every output in order; any exception is the engine's own."""


class Inference(ABC):
    """One build of ONNX Runtime."""

    version: str

    @abstractmethod
    def upgrade(self, version: str) -> str:
        """How to get one of at least that version."""

    @abstractmethod
    def open(self, bundle: "Bundle", name: str, settings: Settings) -> Graph:
        """One of a bundle's graphs; weights are mapped where they lie.

        Any exception but an `OndolError` is the engine's own.
        """

    def failed(self, said: str, fix: str) -> DeviceError:
        """The error for a run that fails, from what the engine said."""
        what = say("The device could not run the model.", "장치가 모델을 실행하지 못했습니다.")
        return DeviceError(what, said, fix)


class UnknownType(ValueError):
    """An input or output that no array can be: its name and ONNX Runtime's name of the type."""


def port(name: str, dtype: str | None, said: object, shape: Sequence[object]) -> Port:
    """An input or output: `said` is how ONNX Runtime calls its type, free sizes are no numbers.

    Raises:
        UnknownType: if `dtype` is None.
    """
    if dtype is None:
        raise UnknownType(f"{name}: {said}")
    sizes = (size if isinstance(size, int) and size >= 0 else None for size in shape)
    return Port(name, dtype, tuple(sizes))
