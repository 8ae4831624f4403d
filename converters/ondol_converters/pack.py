"""A source's tensors into the weights file: read, transformed and written a few rows at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ondol.errors import CorruptSource
from ondol.language import say
from ondol.manifest import NO_KERNEL, MatrixRecord
from ondol_converters.families import family
from ondol_converters.families.decoder import Decoder
from ondol_converters.families.tensors import (
    Parts,
    check_tensors,
    embeddings,
    final_norms,
    layer_matrices,
    layer_norms,
)
from ondol_converters.families.views import viewed
from ondol_converters.graph.decoder import LOOKED_UP, DecoderWeights
from ondol_converters.graph.rope import tables
from ondol_converters.graph.weights import Matrix, Stored, WeightsFile
from ondol_converters.quantise.blocks import dense
from ondol_converters.quantise.halves import halved
from ondol_converters.quantise.layouts import FLOAT, exactly, narrowed, planned
from ondol_converters.quantise.repack import Blocks, repack
from ondol_converters.quantise.rounding import quantise
from ondol_converters.quantise.store import BlockStore
from ondol_converters.quantise.stretch import EMBEDDING
from ondol_converters.recipe import BLOCKS, Layout, Options
from ondol_converters.sources import Source, TensorInfo

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much is done and how much there is."""

ONE = np.ones(1, np.float32)
CHUNK_ELEMENTS = 1 << 21  # 8 MB of float32 at a time
HEAD_BYTES = 32 << 20  # a run of the head's rows


@dataclass(frozen=True, slots=True)
class Part:
    """A run of rows of a fused matrix: one tensor of the source."""

    tensor: TensorInfo
    rows: int


@dataclass(slots=True)
class Packer:
    """Writes everything a decoder needs of a source; then `weights()` and `records` say what.

    `source` becomes what the family's views make of it. `rounded` are matrices that were rounded
    before, and divides norms and biases by what their columns were stretched by.
    """

    source: Source
    names: Mapping[str, str]
    decoder: Decoder
    options: Options
    file: WeightsFile
    context: int
    progress: Progress
    rounded: BlockStore | None = None
    records: list[MatrixRecord] = field(default_factory=list)
    parameters: int = 0
    _done: int = 0
    _total: int = 0

    def __post_init__(self) -> None:
        known = family(self.decoder.model_type)
        self.source = viewed(self.source, known, self.decoder, self.names)

    def weights(self) -> DecoderWeights:
        """Write the weights file from front to back.

        Raises:
            UnsupportedTensor: if the source has tensors that the graph would leave out.
            CorruptSource: if it lacks one, or a weight is not a finite number.
        """
        d = self.decoder
        check_tensors(self.source.tensors, d, self.names)
        self._total = sum(int(np.prod(t.shape)) for t in self.source.tensors.values())
        matrices: dict[str, Matrix] = {}
        vectors: dict[str, NDArray[np.float32]] = {}
        for name, (rows, columns) in embeddings(d).items():
            matrices[name] = self._matrix(name, ((name, rows),), columns, False)
        head = matrices.pop("head", matrices["embedding"])
        if d.head_bias:
            head = replace(head, bias=self._vector(self.names["head_bias"], d.vocabulary))
        if self.rounded is not None and EMBEDDING in self.rounded.stretch.columns:
            scales = self.rounded.stretch.columns[EMBEDDING]
            vectors[LOOKED_UP] = np.divide(d.embedding_scale, scales, dtype=np.float32)
        for name, size in final_norms(d).items():
            vectors[name] = self._norm(name, size) / self._divisor(name)
        for i in range(len(d.layers)):
            matrices |= self._layer_matrices(f"layers.{i}", i)
            vectors |= self._layer_norms(f"layers.{i}", i)
        return DecoderWeights(matrices, head.split(HEAD_BYTES), vectors, tuple(self._ropes()))

    def _layer_matrices(self, at: str, i: int) -> dict[str, Matrix]:
        return {
            f"{at}.{name}": self._matrix(f"{at}.{name}", parts, columns, bias, i)
            for name, (parts, columns, bias) in layer_matrices(self.decoder).items()
        }

    def _layer_norms(self, at: str, i: int) -> dict[str, NDArray[np.float32]]:
        return {
            f"{at}.{name}": self._norm(name, size, i) / self._divisor(f"{at}.{name}")
            for name, size in layer_norms(self.decoder).items()
        }

    def _ropes(self) -> Iterator[tuple[Stored, Stored]]:
        d = self.decoder
        for j, rope in enumerate(d.ropes):
            factors = None
            if rope.factors_name:
                factors = self._vector(rope.factors_name, d.turned // 2)
            for_cos, for_sin = tables(rope, d.turned, self.context, factors)
            yield (
                self.file.add(f"rope.{j}.cos", "float32", for_cos.shape, [for_cos]),
                self.file.add(f"rope.{j}.sin", "float32", for_sin.shape, [for_sin]),
            )

    def _norm(self, name: str, size: int, i: int = 0) -> NDArray[np.float32]:
        numbers = self._vector(self.names[name].format(i=i), size)
        return numbers if name.endswith("_bias") else numbers + np.float32(self.decoder.norm_offset)

    def _divisor(self, name: str) -> NDArray[np.float32]:
        """What a vector by our name is divided by, a norm's bias like its weights."""
        if self.rounded is None:
            return ONE
        return self.rounded.stretch.divided.get(name.removesuffix("_bias"), ONE)

    def _vector(self, name: str, size: int) -> NDArray[np.float32]:
        self.parameters += size
        self._advance(size)
        kind = self.source.tensors[name].kind
        return _finite(name, dense(self.source.read(name), kind, size).reshape(size))

    def _matrix(self, name: str, parts: Parts, columns: int, bias: bool, i: int = 0) -> Matrix:
        """One matrix from the rows of several tensors below each other."""
        ending = "" if name in embeddings(self.decoder) else ".weight"
        stems = [self.names[part].format(i=i) for part, _ in parts]
        pieces = [
            Part(self.source.tensors[stem + ending], rows)
            for stem, (_, rows) in zip(stems, parts, strict=True)
        ]
        rows = sum(piece.rows for piece in pieces)
        self.parameters += rows * columns
        layout = planned(self.options, name, [piece.tensor.kind for piece in pieces], columns)
        biases: NDArray[np.float32] | None = None
        if bias:
            sizes = zip(stems, (n for _, n in parts), strict=True)
            whole = np.concatenate([self._vector(f"{stem}.bias", n) for stem, n in sizes])
            biases = np.divide(whole, self._divisor(name), dtype=np.float32)
        if layout == FLOAT:
            values = self.file.add(name, "float32", (rows, columns), self._dense_rows(pieces))
            self._record(pieces, layout, values.length // rows)
            return Matrix(rows, columns, 32, 0, values, None, biases)
        bits, block = layout.bits, layout.block
        if bits == 16:
            halves = self._half_rows(pieces, layout.method)
            values = self.file.add(name, layout.method, (rows, columns), halves)
            self._record(pieces, layout, values.length // rows)
            return Matrix(rows, columns, bits, block, values, None, biases)
        if self.rounded is not None and self.rounded.holds(name, layout):
            made = self.rounded.get(name, layout)
            self._advance(rows * columns)
            return self._stored_blocks(name, pieces, layout, made, biases)
        blocks = -(-columns // block)
        scales: list[NDArray[np.float32]] = []
        shape = (rows, blocks, block * bits // 8)
        quants = self.file.add(name, "uint8", shape, self._block_rows(pieces, layout, scales))
        kept = narrowed(np.concatenate(scales), all(exactly(p.tensor.kind, layout) for p in pieces))
        stored = self.file.add(f"{name}.scales", kept.dtype.name, (rows, blocks), [kept])
        self._record(pieces, layout, (quants.length + stored.length) // rows)
        return Matrix(rows, columns, bits, block, quants, stored, biases)

    def _stored_blocks(
        self,
        name: str,
        pieces: list[Part],
        layout: Layout,
        made: Blocks,
        biases: NDArray[np.float32] | None,
    ) -> Matrix:
        """A matrix that was rounded before."""
        rows, blocks = made.scales.shape
        columns = pieces[0].tensor.shape[1]
        quants = self.file.add(name, "uint8", made.quants.shape, [made.quants])
        kept = narrowed(made.scales, False)
        stored = self.file.add(f"{name}.scales", kept.dtype.name, (rows, blocks), [kept])
        self._record(pieces, layout, (quants.length + stored.length) // rows, changed=True)
        return Matrix(rows, columns, layout.bits, layout.block, quants, stored, biases)

    def _record(
        self, pieces: list[Part], layout: Layout, row_bytes: int, changed: bool = False
    ) -> None:
        for piece in pieces:
            exact = layout == FLOAT or (exactly(piece.tensor.kind, layout) and not changed)
            method = "none" if layout == FLOAT else layout.method
            if layout == FLOAT and self.options.weights != "float32" and row_bytes // 4 % BLOCKS[0]:
                method = NO_KERNEL
            if exact and layout.bits < 16:
                method = "exact"
            tensor, size = piece.tensor, piece.rows * row_bytes
            self.records.append(
                MatrixRecord(
                    tensor.name, tensor.kind, layout.bits, layout.block, size, exact, method
                )
            )

    def _rows(self, pieces: list[Part]) -> Iterator[tuple[NDArray[np.uint8], TensorInfo]]:
        for piece in pieces:
            columns = piece.tensor.shape[1]
            step = max(1, CHUNK_ELEMENTS // columns)
            for start in range(0, piece.rows, step):
                stop = min(start + step, piece.rows)
                yield self.source.read(piece.tensor.name, start, stop), piece.tensor
                self._advance((stop - start) * columns)

    def _dense_rows(self, pieces: list[Part]) -> Iterator[NDArray[np.float32]]:
        for raw, tensor in self._rows(pieces):
            yield _finite(tensor.name, dense(raw, tensor.kind, tensor.shape[1]))

    def _half_rows(
        self, pieces: list[Part], form: str
    ) -> Iterator[NDArray[np.float16] | NDArray[np.uint16]]:
        for piece in pieces:
            for values in self._dense_rows([piece]):
                yield halved(values, form, piece.tensor.name)

    def _block_rows(
        self, pieces: list[Part], layout: Layout, scales: list[NDArray[np.float32]]
    ) -> Iterator[NDArray[np.uint8]]:
        for raw, tensor in self._rows(pieces):
            try:
                made = _blocks(raw, tensor, layout)
            except CorruptSource as exc:  # a few rows do not know whose they are
                raise not_finite(tensor.name) from exc
            scales.append(made.scales)
            yield made.quants

    def _advance(self, elements: int) -> None:
        self._done += elements
        self.progress("weights", self._done, self._total)


def _blocks(raw: NDArray[np.uint8], tensor: TensorInfo, layout: Layout) -> Blocks:
    """Rows of a tensor: moved where the layout can hold its kind, else by the layout's method."""
    kind, columns = tensor.kind, tensor.shape[1]
    if layout.method == "nearest" or exactly(kind, layout):
        return repack(raw, kind, columns, layout.bits, layout.block)
    return quantise(dense(raw, kind, columns), layout)


def _finite(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(values).all():
        raise not_finite(name)
    return values


def not_finite(name: str) -> CorruptSource:
    """A tensor with a value that is no number."""
    return CorruptSource(
        say("A weight is not a number.", "가중치에 수가 아닌 값이 있습니다."),
        say(f"{name} holds a NaN or an infinity.", f"{name}에 NaN이나 무한대가 있습니다."),
        say("Download the model again.", "모델을 다시 내려받으세요."),
    )
