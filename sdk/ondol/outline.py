"""What an ONNX graph is made of, read without the onnx package: nodes, tensors, inputs, outputs.

Field numbers: onnx.proto. Every message is kept as it lies in the file, so that a part of a graph
can be written again byte by byte.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from ondol.errors import CorruptBundle
from ondol.language import say
from ondol.wire import LENGTH, VARINT, Broken, fields, varint

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_TENSOR, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12

ITEM_BYTES = {1: 4, 2: 1, 3: 1, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 16: 2}
"""Bytes of an element by its ONNX type."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """An initializer: its ONNX type and shape; `external` where its numbers are in another file."""

    name: str
    dtype: int
    shape: tuple[int, ...]
    external: bool
    raw: memoryview

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def size_bytes(self) -> int:
        """Bytes of its numbers."""
        return self.elements * ITEM_BYTES.get(self.dtype, 4)


@dataclass(frozen=True, slots=True)
class Node:
    """A node: `kind` is its operator, outside the default domain as `domain::Name`."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    integers: Mapping[str, int]
    raw: memoryview


@dataclass(frozen=True, slots=True)
class Outline:
    """A graph in its order. `inputs` and `outputs` are messages by name; `rest` is of the model."""

    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    inputs: Mapping[str, memoryview]
    outputs: Mapping[str, memoryview]
    rest: bytes

    @classmethod
    def read(cls, data: bytes, name: str) -> Self:
        """The outline of an ONNX file's bytes.

        Raises:
            CorruptBundle: if they are none, naming the file.
        """
        try:
            return cls._read(memoryview(data))
        except (Broken, UnicodeDecodeError) as exc:
            raise CorruptBundle(
                say(f"{name} cannot be loaded.", f"{name}을(를) 불러올 수 없습니다."),
                f"protobuf: {exc}",
                say("Verify the bundle: ondol verify", "번들 검사: ondol verify"),
            ) from exc

    @classmethod
    def _read(cls, data: memoryview) -> Self:
        rest, graph = b"", memoryview(b"")
        for number, wire, start, body, end in fields(data):
            if number == MODEL_GRAPH and wire == LENGTH:
                graph = data[body:end]
            else:
                rest += data[start:end]
        found: dict[int, list[memoryview]] = {
            kind: [] for kind in (GRAPH_NODE, GRAPH_TENSOR, GRAPH_INPUT, GRAPH_OUTPUT)
        }
        for number, wire, _, body, end in fields(graph):
            if number in found and wire == LENGTH:
                found[number].append(graph[body:end])
        tensors = [_tensor(each) for each in found[GRAPH_TENSOR]]
        return cls(
            tuple(map(_node, found[GRAPH_NODE])),
            {tensor.name: tensor for tensor in tensors},
            {_text(each, 1): each for each in found[GRAPH_INPUT]},
            {_text(each, 1): each for each in found[GRAPH_OUTPUT]},
            rest,
        )


def _node(data: memoryview) -> Node:
    texts: dict[int, list[str]] = {1: [], 2: [], 4: [""], 7: [""]}
    integers: dict[str, int] = {}
    for number, wire, _, body, end in fields(data):
        if wire != LENGTH:
            continue
        if number in texts:
            texts[number].append(str(data[body:end], "utf-8"))
        elif number == 5:
            integers |= _integer(data[body:end])
    domain, kind = texts[7][-1], texts[4][-1]
    return Node(
        f"{domain}::{kind}" if domain else kind, tuple(texts[1]), tuple(texts[2]), integers, data
    )


def _integer(data: memoryview) -> dict[str, int]:
    """An attribute that is one integer, by its name; nothing of any other."""
    value = next((varint(data, b)[0] for n, w, _, b, _ in fields(data) if (n, w) == (3, VARINT)), 0)
    kind = next((varint(data, b)[0] for n, w, _, b, _ in fields(data) if (n, w) == (20, VARINT)), 0)
    return {_text(data, 1): value} if kind == 2 else {}


def _tensor(data: memoryview) -> Tensor:
    shape: list[int] = []
    dtype = location = 0
    for number, wire, _, body, end in fields(data):
        if number == 1 and wire == VARINT:
            shape.append(varint(data, body)[0])
        elif number == 1 and wire == LENGTH:
            at = body
            while at < end:
                size, at = varint(data, at)
                shape.append(size)
        elif number == 2 and wire == VARINT:
            dtype = varint(data, body)[0]
        elif number == 14 and wire == VARINT:
            location = varint(data, body)[0]
    return Tensor(_text(data, 8), dtype, tuple(shape), location == 1, data)


def _text(data: memoryview, wanted: int) -> str:
    found = (
        str(data[b:e], "utf-8") for n, w, _, b, e in fields(data) if (n, w) == (wanted, LENGTH)
    )
    return next(found, "")
