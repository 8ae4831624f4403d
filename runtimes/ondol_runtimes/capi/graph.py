"""An open graph of the C library: its ports, and a run on arrays by name."""

import ctypes
import weakref
from collections.abc import Mapping
from ctypes import c_char_p, c_size_t, c_void_p
from typing import TYPE_CHECKING

import numpy as np

from ondol.stateless import Port
from ondol_runtimes._inference import Binding, Graph, port
from ondol_runtimes.capi.api import Api
from ondol_runtimes.capi.binding import CBinding
from ondol_runtimes.capi.tensor import NAMES, Tensors

if TYPE_CHECKING:
    from ondol_runtimes._inference import Array


class CGraph(Graph):
    """An `OrtSession`, released with the last that holds this."""

    def __init__(self, api: Api, session: int, memory: int, run_options: int) -> None:
        self.api = api
        self.session = session
        self.run_options = run_options
        self.tensors = Tensors(api, memory)
        weakref.finalize(self, api.release, "ReleaseSession", session)
        self.inputs = self._ports("Input")
        self.outputs = self._ports("Output")
        self._names = {each.name: each.name.encode() for each in (*self.inputs, *self.outputs)}

    def binding(self) -> Binding:
        """As of the base."""
        return CBinding(self)

    def run(self, feeds: "Mapping[str, Array]") -> "list[Array]":
        """As of the base."""
        held = {name: np.ascontiguousarray(array) for name, array in feeds.items()}
        values: list[int] = []
        made = (c_void_p * len(self.outputs))()
        try:
            values += [self.tensors.over(array, array.shape) for array in held.values()]
            self.api.call(
                "Run",
                self.session,
                self.run_options,
                (c_char_p * len(held))(*(self._names[name] for name in held)),
                (c_void_p * len(values))(*values),
                len(values),
                (c_char_p * len(made))(*(self._names[each.name] for each in self.outputs)),
                len(made),
                made,
            )
            return [self.tensors.copy(value or 0) for value in made]
        finally:
            for value in (*values, *made):
                self.api.release("ReleaseValue", value or 0)

    def _ports(self, side: str) -> tuple[Port, ...]:
        count = c_size_t()
        self.api.call(f"SessionGet{side}Count", self.session, ctypes.byref(count))
        return tuple(self._port(side, at) for at in range(count.value))

    def _port(self, side: str, at: int) -> Port:
        allocator = self.api.made("GetAllocatorWithDefaultOptions")
        text = self.api.made(f"SessionGet{side}Name", self.session, at, allocator)
        name = ctypes.string_at(text).decode("utf-8", "replace")
        self.api.call("AllocatorFree", allocator, text)
        facts = self.api.made(f"SessionGet{side}TypeInfo", self.session, at)
        try:
            tensor = self.api.made("CastTypeInfoToTensorInfo", facts)  # not to be released
            if not tensor:
                return port(name, None, "no tensor", ())
            code, shape = self.tensors.facts(tensor)
            return port(name, NAMES.get(code), f"ONNXTensorElementDataType {code}", shape)
        finally:
            self.api.release("ReleaseTypeInfo", facts)
