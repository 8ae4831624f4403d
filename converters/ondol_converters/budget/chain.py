"""A decoder as a chain of layers that are fed with their weights, so that any can be changed.

Each layer is a graph of its own whose matrices are inputs: a run holds the weights of one layer,
mapped from the dequantised model's file, and a matrix is swapped by feeding another.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import onnx
from numpy.typing import NDArray

from ondol import __version__, registry
from ondol.plan import Plan, usable_cores
from ondol.stateless import Session
from ondol_converters.budget.scratch import scratch_bundle
from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.decoder import DecoderPen, DecoderWeights
from ondol_converters.graph.drawing import Drawing
from ondol_converters.graph.weights import Matrix, Stored
from ondol_converters.quantise.stretch import Feed, head_feeds, layer_feeds

Floats = NDArray[np.float32]
LOGIT_BYTES = 96 << 20  # held at once
START = "start.onnx"
LAYER = "layer-{}.onnx"
HEAD = "head.onnx"


@dataclass(frozen=True, slots=True)
class Stream:
    """What passes between layers of one window: float32 [1, n, hidden] each.

    `x` is the residual stream, `normed` what the next layer (or the head) reads of it.
    """

    x: Floats
    normed: Floats


class FedDrawing(Drawing):
    """A sheet on which weights are inputs; `fed` says where each lies in its file."""

    def __init__(self) -> None:
        super().__init__("")
        self.fed: dict[str, Stored] = {}

    def stored(self, tensor: Stored) -> str:
        """A tensor of the weights file, as an input."""
        self.fed[tensor.name] = tensor
        return self.input(tensor.name, tensor.dtype, tensor.shape)


class _LayerPen(DecoderPen):
    """Notes what every matrix is multiplied with."""

    sheet: FedDrawing

    def __init__(self, decoder: Decoder, weights: DecoderWeights) -> None:
        super().__init__(decoder, weights, FedDrawing())
        self.read: dict[str, str] = {}

    def product(self, x: str, name: str) -> str:
        """x times a weight matrix by our name."""
        self.read[name] = x
        return super().product(x, name)


@dataclass(frozen=True, slots=True)
class _Link:
    """A graph of the chain, its weights by input, and what its matrices read."""

    file: str
    graph: onnx.ModelProto
    fed: Mapping[str, Stored]
    read: Mapping[str, str]


class LayerChain:
    """The layers of a decoder in float32, run one after the other from Python.

    Args:
        decoder: what is drawn.
        weights: its dequantised weights, all float32, in the file `path`.
        path: the file of weights.
        folder: an empty folder for the graphs.
    """

    def __init__(self, decoder: Decoder, weights: DecoderWeights, path: Path, folder: Path) -> None:
        self._decoder, self._weights, self._path = decoder, weights, path
        self._open = ExitStack()
        layers = range(len(decoder.layers))
        self._links = [
            _draw_start(decoder, weights),
            *(_draw_layer(decoder, weights, i) for i in layers),
            _draw_head(decoder, weights),
        ]
        bundle = scratch_bundle(folder, {link.file: link.graph for link in self._links})
        runtime = registry.runtime("cpu")
        plan = Plan(1, usable_cores(), False)
        self._sessions: list[Session] = []
        try:
            for link in self._links:
                session = runtime.open_graph(bundle, plan, link.file)
                self._sessions.append(self._open.enter_context(session))
        except BaseException:
            self.close()
            raise

    @property
    def depth(self) -> int:
        """How many layers there are."""
        return len(self._decoder.layers)

    @property
    def vocabulary(self) -> int:
        """How many logits there are."""
        return self._decoder.vocabulary

    def matrices(self, layer: int) -> Mapping[str, Matrix]:
        """A layer's matrices by our names."""
        return {name: self._weights.matrices[name] for name in self._links[layer + 1].read}

    def values(self, name: str) -> Floats:
        """A matrix by our name as float32 [rows, columns], mapped; "head" is the output matrix."""
        if name != "head":
            return self._mapped(self._weights.matrices[name].quants)
        return np.concatenate([self._mapped(part.quants) for part in self._weights.head])

    def as_matrix(self, name: str, values: Floats) -> dict[str, Floats]:
        """A matrix by our name, float32 [rows, columns], for `step` or `start` to use instead."""
        return {self._weights.matrices[name].quants.name: values}

    def feeds(self, layer: int) -> tuple[Feed, ...]:
        """What feeds a layer's matrices; of the number after the last one, the output matrix."""
        if layer < self.depth:
            return layer_feeds(self._decoder, layer)
        return head_feeds(self._decoder) if layer == self.depth else ()

    @property
    def tied(self) -> bool:
        """Whether the output matrix is the embedding."""
        embedding = self._weights.matrices["embedding"].quants
        return self._weights.head[0].quants.offset == embedding.offset

    @property
    def lookups(self) -> tuple[str, ...]:
        """The matrices outside the layers that are never multiplied, only looked up in."""
        known = () if self.tied else ("embedding",)
        return (*known, *(("positions",) if self._decoder.learned_positions else ()))

    def start(self, ids: Sequence[int], swapped: Mapping[str, Floats] | None = None) -> Stream:
        """The embedding of a window of token ids."""
        rows = np.array([list(ids)], np.int64)
        found = self._run(0, {"input_ids": rows}, len(ids), swapped or {})
        return Stream(found["x"], found["normed"])

    def step(
        self, layer: int, stream: Stream, swapped: Mapping[str, Floats] | None = None
    ) -> tuple[Stream, dict[str, Floats]]:
        """Run one layer.

        Args:
            layer: its number.
            stream: what the layer before gave.
            swapped: matrices to use instead, from `as_matrix`.

        Returns:
            What it gives, and what each of its matrices was multiplied with, float32
            [n, columns].
        """
        count, read = stream.x.shape[1], self._links[layer + 1].read
        feeds = {"x_in": stream.x, "normed_in": stream.normed}
        found = {**feeds, **self._run(layer + 1, feeds, count, swapped or {})}
        inputs = {name: found[value].reshape(count, -1) for name, value in read.items()}
        return Stream(found["x"], found["normed"]), inputs

    def rest(self, layer: int, stream: Stream) -> Stream:
        """Run every layer from this one on."""
        for number in range(layer, self.depth):
            stream, _ = self.step(number, stream)
        return stream

    def logits(self, stream: Stream, head: Floats | None = None) -> Iterator[Floats]:
        """Logits of what the last layer gave, float32 [n, vocabulary], a few rows at a time.

        `head` is another output matrix to use, float32 [vocabulary, hidden].
        """
        swapped: dict[str, Floats] = {}
        start = 0
        if head is not None:
            for part in self._weights.head:
                swapped[part.quants.name] = head[start : start + part.rows]
                start += part.rows
        step = max(1, LOGIT_BYTES // (4 * self._decoder.vocabulary))
        for at in range(0, stream.normed.shape[1], step):
            feeds = {"normed_in": stream.normed[:, at : at + step]}
            yield self._run(self.depth + 1, feeds, step, swapped)["logits"][0]

    def close(self) -> None:
        """Close every session."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _run(
        self,
        link: int,
        feeds: Mapping[str, Floats | NDArray[np.int64]],
        count: int,
        swapped: Mapping[str, Floats],
    ) -> dict[str, Floats]:
        d, session = self._decoder, self._sessions[link]
        wanted = {port.name for port in session.inputs}
        given: dict[str, NDArray[np.generic]] = {
            name: swapped[name] if name in swapped else self._mapped(stored)
            for name, stored in self._links[link].fed.items()
        }
        given |= feeds
        given["attention_mask"] = np.ones((1, count), np.int64)
        empty = np.zeros((1, d.kv_heads, 0, d.head_dim), np.float32)
        for name in wanted:
            if name.startswith("past_key_values."):
                given[name] = empty
        found = session.run({name: value for name, value in given.items() if name in wanted})
        return {name: np.asarray(value) for name, value in found.items()}

    def _mapped(self, stored: Stored) -> Floats:
        return np.memmap(self._path, np.float32, "r", stored.offset, stored.shape)


def _draw_start(decoder: Decoder, weights: DecoderWeights) -> _Link:
    pen = _LayerPen(decoder, weights)
    _, x, normed = pen.draw_start()
    return _finish(pen, x, normed, START)


def _draw_layer(decoder: Decoder, weights: DecoderWeights, i: int) -> _Link:
    pen = _LayerPen(decoder, weights)
    shape: list[int | str] = ["batch", "sequence", decoder.hidden]
    x, normed = (pen.sheet.input(name, "float32", shape) for name in ("x_in", "normed_in"))
    x, normed = pen.draw_layer(i, x, normed, pen.draw_mask(x))
    for name, value in pen.read.items():
        if value != "normed_in":
            columns = weights.matrices[name].columns
            pen.sheet.output(value, "float32", ["batch", "sequence", columns])
    return _finish(pen, x, normed, LAYER.format(i))


def _draw_head(decoder: Decoder, weights: DecoderWeights) -> _Link:
    sheet = FedDrawing()
    shape: list[int | str] = ["batch", "sequence", decoder.hidden]
    DecoderPen(decoder, weights, sheet).draw_head(sheet.input("normed_in", "float32", shape))
    return _link(sheet, decoder.model_type, HEAD, {})


def _finish(pen: _LayerPen, x: str, normed: str, file: str) -> _Link:
    sheet = pen.sheet
    shape: list[int | str] = ["batch", "sequence", pen.d.hidden]
    for value, name in ((x, "x"), (normed, "normed")):
        sheet.node("Identity", [value], f"{name}/Identity", None, [name])
        sheet.output(name, "float32", shape)
    return _link(pen.sheet, pen.d.model_type, file, pen.read)


def _link(sheet: FedDrawing, name: str, file: str, read: Mapping[str, str]) -> _Link:
    model = sheet.model(name, __version__)
    _drop_unused(model)
    return _Link(file, model, sheet.fed, read)


def _drop_unused(model: onnx.ModelProto) -> None:
    """Leave out inputs that no node reads: a window's mask where there is no attention."""
    used = {name for node in model.graph.node for name in node.input}
    kept = [value for value in model.graph.input if value.name in used]
    del model.graph.input[:]
    model.graph.input.extend(kept)
