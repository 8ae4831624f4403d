"""Graphs of a bundle as Ondol uses them: opened with named errors, run on bound memory."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from ondol.bundle import Bundle
from ondol.device_faults import lacks
from ondol.errors import CorruptBundle, OndolError, UnsupportedOperators
from ondol.language import say
from ondol_runtimes._inference import Graph, Inference, Settings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol_runtimes._inference import Array

    Cache = dict[str, NDArray[np.float32]] | dict[str, NDArray[np.int8]]


LACKED = re.compile(
    r"(?P<domain>[\w.]+):(?P<kind>\w+)\(-?\d+\) is not a registered function/op"
    r"|No Op registered for (?P<schema>\w+)"
    r"|Could not find an implementation for (?P<kernel>[\w.:]+)\("
)
"""What ONNX Runtime says of a node whose operator it has not got."""


def load(inference: Inference, bundle: Bundle, name: str, settings: Settings) -> Graph:
    """One of a bundle's graphs, open; errors as of `loading`."""
    with loading(inference, bundle, name):
        return inference.open(bundle, name, settings)


@contextmanager
def loading(inference: Inference, bundle: Bundle, name: str) -> Iterator[None]:
    """Turn what the engine says of a graph that it does not load into a named error.

    Raises:
        UnsupportedOperators: naming the first operator that ONNX Runtime lacks.
        CorruptBundle: if ONNX Runtime cannot read it, with its reason.
        MemoryError: if it does not fit.
    """
    try:
        yield
    except (OndolError, MemoryError):
        raise
    except Exception as exc:  # its errors share no base class
        lacked = LACKED.search(str(exc))
        if lacked:
            what = say(
                f"ONNX Runtime {inference.version} cannot run {name}.",
                f"ONNX Runtime {inference.version}은 {name}을(를) 실행할 수 없습니다.",
            )
            operator = "::".join(filter(None, lacked.groups()))
            raise UnsupportedOperators(what, *lacks([operator], bundle.name, "cpu")) from exc
        raise CorruptBundle(
            say(f"{name} cannot be loaded.", f"{name}을(를) 불러올 수 없습니다."),
            _said(inference, exc),
            say("Verify the bundle: ondol verify", "번들 검사: ondol verify"),
        ) from exc


def run(graph: Graph, inference: Inference, feeds: "Mapping[str, Array]") -> "list[Array]":
    """Every output of a graph in order.

    Raises:
        DeviceError: with ONNX Runtime's reason.
    """
    try:
        return graph.run(feeds)
    except Exception as exc:  # its errors share no base class
        fix = say(
            "Shorten the input, or verify the bundle: ondol verify",
            "입력을 줄이거나 번들을 검사하세요: ondol verify",
        )
        raise inference.failed(_said(inference, exc), fix) from exc


class Bound:
    """A graph with its cache bound once; a run binds only what changed."""

    def __init__(
        self, inference: Inference, graph: Graph, cache: "Cache", mask: "NDArray[np.int64]"
    ) -> None:
        self._inference = inference
        self._outputs = graph.outputs
        self._binding = graph.binding()
        self._mask = mask
        self._held: dict[str, Array] = {}  # what is bound must stay alive
        self._inputs = {port.name for port in graph.inputs}
        for name, memory in cache.items():
            if self.takes(f"past_key_values.{name}"):  # a stage has only its own layers
                self.input(f"past_key_values.{name}", memory)
                self.output(f"present.{name}", memory)

    def takes(self, name: str) -> bool:
        """Whether there is such an input."""
        return name in self._inputs

    def gives(self, name: str) -> bool:
        """Whether there is such an output."""
        return any(port.name == name for port in self._outputs)

    def width(self, output: str) -> int:
        """The last dimension of an output, in elements."""
        return int(next(port.shape[-1] or 0 for port in self._outputs if port.name == output))

    def forget(self, *names: str) -> None:
        """Let go of memory that the next run will not use."""
        for name in names:
            self._held.pop(name, None)

    def input(self, name: str, value: "Array") -> None:
        """Bind an input to memory that the caller may go on changing."""
        if self._held.get(name) is not value:
            self._binding.input(name, value, value.shape)
            self._held[name] = value

    def output(self, name: str, value: "Array") -> None:
        """Bind an output to memory that is written by every run."""
        self._held[name] = value
        self._binding.output(name, value)

    def run(self, ids: "NDArray[np.int64] | None", before: int, count: int) -> None:
        """Run `count` tokens [1, count] after `before` positions that the cache holds."""
        try:
            if ids is not None:
                self.input("input_ids", ids)
            if self.takes("attention_mask"):
                self._binding.input("attention_mask", self._mask, (1, before + count))
            self._binding.run()
        except Exception as exc:  # its errors share no base class
            fix = say(
                "Free some memory, or verify the bundle: ondol verify",
                "메모리를 비우거나 번들을 검사하세요: ondol verify",
            )
            raise self._inference.failed(_said(self._inference, exc), fix) from exc


def _said(inference: Inference, exc: Exception) -> str:
    return f"ONNX Runtime {inference.version}: {str(exc)[:400]}"
