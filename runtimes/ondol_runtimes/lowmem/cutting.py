"""A decoder's graph cut into pieces of a few layers, without the onnx package.

What leads from the mask and the scales to a piece is cheap and drawn again in each; between
pieces pass float32 values [1, rows, width]: the residual stream, what the next layer reads, and
the parts of the logits.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ondol.errors import CorruptBundle
from ondol.language import say
from ondol.outline import (
    GRAPH_INPUT,
    GRAPH_NODE,
    GRAPH_OUTPUT,
    GRAPH_TENSOR,
    MODEL_GRAPH,
    Node,
    Outline,
)
from ondol.wire import message, number

NORM = "LayerNormalization"
PRODUCTS = ("MatMulNBits", "FusedMatMul")
LOOKUPS = ("Gather", "GatherBlockQuantized")
SAME_WIDTH = ("Slice", "Mul", "Add", "Identity")
WANTED = "logits_from"
FLOAT32 = 1
MOST_BETWEEN = 2  # values: the residual stream, and what the next layer reads


@dataclass(frozen=True, slots=True)
class Passed:
    """A value that passes between pieces; `wanted`: it has rows only where logits are wanted."""

    name: str
    width: int
    wanted: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A graph's bytes, what it reads of earlier pieces and gives to later ones.

    `size_bytes` are those of its weights in the bundle.
    """

    graph: bytes
    reads: tuple[Passed, ...]
    gives: tuple[Passed, ...]
    size_bytes: int


def cut(outline: Outline, most_bytes: int) -> tuple[Piece, ...]:
    """Pieces with at most so many bytes of weights each, or one layer's half where that is more.

    Raises:
        CorruptBundle: if values that would pass between pieces are of unknown width.
    """
    return tuple(_Cutter(outline).pieces(most_bytes))


class _Cutter:
    def __init__(self, outline: Outline) -> None:
        self._outline = outline
        self._makers: dict[str, Node] = {out: n for n in outline.nodes for out in n.outputs if out}
        self._cheap: set[str] = {*outline.tensors, *outline.inputs, ""}
        self._wanted: set[str] = {WANTED}
        self._main: list[Node] = []
        for node in outline.nodes:
            if _is_cheap(node) and all(name in self._cheap for name in node.inputs):
                self._cheap.update(node.outputs)
            else:
                self._main.append(node)
            if not self._wanted.isdisjoint(node.inputs):
                self._wanted.update(node.outputs)

    def pieces(self, most_bytes: int) -> Iterator[Piece]:
        runs: list[list[Node]] = [[]]
        size = 0
        for segment in self._segments():
            more = sum(map(self._size, segment))
            if runs[-1] and size + more > most_bytes:
                runs.append([])
                size = 0
            runs[-1] += segment
            size += more
        reads: tuple[Passed, ...] = ()
        for at, run in enumerate(runs):
            later = [node for other in runs[at + 1 :] for node in other]
            earlier = {name for other in runs[:at] for node in other for name in node.outputs}
            reads = tuple(self._passed(n) for n in _read(run) if n in earlier)
            made = {name for node in run for name in node.outputs if name}
            gives = tuple(self._passed(n) for n in _read(later) if n in made)
            graph = self._graph(run, reads, gives)
            yield Piece(graph, reads, gives, sum(map(self._size, run)))

    def _segments(self) -> Iterator[list[Node]]:
        """Runs of nodes after which the graph may be cut."""
        uses: dict[str, int] = {}
        for at, node in enumerate(self._main):
            uses.update((name, at) for name in node.inputs if name not in self._cheap)
        segment: list[Node] = []
        alive: set[str] = set()
        for at, node in enumerate(self._main):
            segment.append(node)
            alive.update(name for name in node.outputs if uses.get(name, -1) > at)
            alive = {name for name in alive if uses[name] > at}
            kind = node.kind.rpartition("::")[2]
            layer = kind.endswith(NORM) and len(alive) <= MOST_BETWEEN
            head = kind in PRODUCTS and node.outputs[0] in self._wanted
            if layer or head:
                yield segment
                segment = []
        if segment:
            yield segment

    def _graph(
        self, run: Sequence[Node], reads: Sequence[Passed], gives: Sequence[Passed]
    ) -> bytes:
        outline = self._outline
        nodes = self._with_cheap(run)
        used = _read(nodes)
        made = {name for node in nodes for name in node.outputs}
        body = [message(GRAPH_NODE, bytes(node.raw)) for node in nodes]
        body.append(message(2, b"piece"))
        # What has a number and is an input too is asked for: it says which logits are wanted
        fixed = [t for n, t in outline.tensors.items() if n in used and n not in outline.inputs]
        body += [message(GRAPH_TENSOR, bytes(tensor.raw)) for tensor in fixed]
        body += [message(GRAPH_INPUT, bytes(raw)) for n, raw in outline.inputs.items() if n in used]
        body += [message(GRAPH_INPUT, _value(each)) for each in reads]
        body += [message(GRAPH_OUTPUT, bytes(r)) for n, r in outline.outputs.items() if n in made]
        body += [message(GRAPH_OUTPUT, _value(each)) for each in gives]
        return outline.rest + message(MODEL_GRAPH, b"".join(body))

    def _with_cheap(self, run: Sequence[Node]) -> list[Node]:
        """The nodes and every cheap one that leads to them, in the graph's order."""
        kept = {id(node) for node in run}
        left = [name for node in run for name in node.inputs if name in self._cheap]
        while left:
            maker = self._makers.get(left.pop())
            if maker is not None and id(maker) not in kept:
                kept.add(id(maker))
                left += maker.inputs
        return [node for node in self._outline.nodes if id(node) in kept]

    def _size(self, node: Node) -> int:
        tensors = self._outline.tensors
        return sum(tensors[n].size_bytes for n in node.inputs if n in tensors)

    def _passed(self, name: str) -> Passed:
        width = self._width(name)
        if width is None:
            raise CorruptBundle(
                say("The graph cannot be cut.", "그래프를 나눌 수 없습니다."),
                say(f"{name} is of unknown width.", f"{name}의 너비를 알 수 없습니다."),
                say("Choose another device: --device cpu", "다른 장치를 고르세요: --device cpu"),
            )
        return Passed(name, width, name in self._wanted)

    def _width(self, name: str) -> int | None:
        node, tensors = self._makers.get(name), self._outline.tensors
        if node is None:
            return None
        kind = node.kind.rpartition("::")[2]
        shapes = [tensors[n].shape for n in node.inputs[1:] if n in tensors]
        if kind.endswith(NORM):
            return next((shape[0] for shape in shapes if len(shape) == 1), None)
        if kind in LOOKUPS and node.inputs[0] in tensors:
            return tensors[node.inputs[0]].shape[-1] * 8 // node.integers.get("bits", 8)
        if kind == "MatMulNBits":
            return node.integers.get("N")
        if kind == "FusedMatMul" and shapes:
            return shapes[0][0]
        if kind in SAME_WIDTH:
            return next((w for n in node.inputs if (w := self._width(n)) is not None), None)
        return None


def _is_cheap(node: Node) -> bool:
    """Whether computing it in every piece costs nothing worth a thought."""
    return "::" not in node.kind and not node.kind.endswith(NORM) and node.kind != "Gather"


def _read(nodes: Iterable[Node]) -> Mapping[str, None]:
    """Every value that nodes read, in order, once."""
    return dict.fromkeys(name for node in nodes for name in node.inputs if name)


def _value(passed: Passed) -> bytes:
    """A ValueInfoProto: float32 [batch, rows, width]."""
    rows = b"wanted" if passed.wanted else b"sequence"
    sizes = (message(2, b"batch"), message(2, rows), number(1, passed.width))
    shape = b"".join(message(1, size) for size in sizes)
    tensor = number(1, FLOAT32) + message(2, shape)
    return message(1, passed.name.encode()) + message(2, message(1, tensor))
