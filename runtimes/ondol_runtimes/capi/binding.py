"""Memory bound to a graph of the C library: four calls into it for each token that is decoded."""

import ctypes
import weakref
from collections.abc import Sequence
from ctypes import c_int64, c_void_p
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ondol_runtimes._inference import Binding
from ondol_runtimes.capi.tensor import CODES

if TYPE_CHECKING:
    from ondol_runtimes._inference import Array
    from ondol_runtimes.capi.graph import CGraph


@dataclass(slots=True)
class _Slot:
    """The arguments that bind one input again, written once: only the shape changes.

    For parts of an array that stays, such as the mask.
    """

    array: "Array"
    name: bytes
    sizes: "ctypes.Array[c_int64]"
    arguments: tuple[Any, ...]


class CBinding(Binding):
    """An `OrtIoBinding`, released with this; the graph is held until then."""

    def __init__(self, graph: "CGraph") -> None:
        api = graph.api
        self._graph = graph
        self._check = api.check
        self._tensor = api.function("CreateTensorWithDataAsOrtValue")
        self._bind = api.function("BindInput")
        self._release = api.function("ReleaseValue")
        self._run = api.function("RunWithBinding")
        self._slots: dict[str, _Slot] = {}
        self._value = c_void_p()
        self._where = ctypes.byref(self._value)
        handle = api.made("CreateIoBinding", graph.session)
        self._handle = c_void_p(handle)
        self._arguments = (c_void_p(graph.session), c_void_p(graph.run_options), self._handle)
        weakref.finalize(self, _release, graph, handle)

    def input(self, name: str, value: "Array", shape: Sequence[int]) -> None:
        """As of the base."""
        if value.shape == shape:  # not kept: whoever bound it may let go of it
            self._whole("BindInput", name, value)
            return
        slot = self._slots.get(name)
        if slot is None or slot.array is not value or len(slot.sizes) != len(shape):
            slot = self._slots[name] = self._slot(name, value, shape)
        else:
            slot.sizes[:] = list(shape)
        status = self._tensor(*slot.arguments)
        if status:
            self._check(status)
        status = self._bind(self._handle, slot.name, self._value)
        self._release(self._value)  # the binding shares what it names
        if status:
            self._check(status)

    def output(self, name: str, value: "Array") -> None:
        """As of the base."""
        self._whole("BindOutput", name, value)

    def run(self) -> None:
        """As of the base."""
        status = self._run(*self._arguments)
        if status:
            self._check(status)

    def _whole(self, function: str, name: str, value: "Array") -> None:
        api = self._graph.api
        tensor = self._graph.tensors.over(value, value.shape)
        try:
            api.call(function, self._handle, name.encode(), tensor)
        finally:
            api.release("ReleaseValue", tensor)

    def _slot(self, name: str, value: "Array", shape: Sequence[int]) -> _Slot:
        sizes = (c_int64 * len(shape))(*shape)
        arguments = (
            c_void_p(self._graph.tensors.memory),
            c_void_p(value.ctypes.data),
            value.nbytes,
            sizes,
            len(shape),
            CODES[value.dtype],
            self._where,
        )
        return _Slot(value, name.encode(), sizes, arguments)


def _release(graph: "CGraph", handle: int) -> None:
    """The binding goes before its session does: this holds the graph."""
    graph.api.release("ReleaseIoBinding", handle)
