"""What a bundle will take of memory on ONNX Runtime's CPU kernels, counted from its graph.

Counted: MatMulNBits packs each matrix into quants, one float32 scale and one float32 sum a block,
and keeps the scales that were widened from float16; the cache by its shape. Measured on
onnxruntime 1.32, x86-64 (`benchmarks/memory_plan.py`): everything in capitals below.
"""

import sys
from dataclasses import dataclass

from ondol.bundle import Bundle
from ondol.memory import resident_bytes
from ondol.model_facts import ModelFacts
from ondol.outline import Node, Outline
from ondol.plan import Plan
from ondol.tokenizer import Tokenizer

PRODUCT = "com.microsoft::MatMulNBits"
LOOKUPS = ("Gather", "GatherBlockQuantized")
MIB = 1 << 20
PYTHON = 25 * MIB  # Python, numpy and Ondol
ENGINE = 28 * MIB  # onnxruntime's library and what it sets up
SESSION = 20 * MIB
KERNELS = 15 * MIB  # pages of the library that running touches
TABLE_TOKENIZER = 5 * MIB
PARSED_TOKENIZER = 8  # bytes of memory for one of tokenizer.json
LOOKUP = 250_000  # bytes that a new token maps of the embedding: the system maps around a row
NEW_TOKENS = 0.6  # of a text's tokens, those not seen before in a pass
ROW = 44 * 1024  # bytes of scratch for a token, besides the widest product's
WIDE = 2.6  # copies of the widest product's float32 row
PIECE = 40 * MIB  # of streamed weights, packed and mapped
PACKING = 60 * MIB  # what packing and writing a piece takes, and the sessions of all pieces
STAGE = 31 * MIB  # weights of a float prefill stage, mapped
EXPANDED = 1.7  # copies of the largest matrix that a float stage expands


@dataclass(frozen=True, slots=True)
class Footprint:
    """Bytes resident at the peak, by what they are for.

    `process` is there before a bundle is opened, `weights` are packed copies and the scales
    beside them, `mapped` are pages of files, which the system can take back.
    """

    process: int
    weights: int
    tokenizer: int
    cache: int
    scratch: int
    mapped: int

    @property
    def peak(self) -> int:
        """All of it."""
        return self.private + self.mapped

    @property
    def private(self) -> int:
        """What lies in no file, and the process itself."""
        return self.process + self.weights + self.tokenizer + self.cache + self.scratch


def footprint(
    bundle: Bundle,
    plan: Plan,
    tokens: int | None = None,
    outline: Outline | None = None,
    *,
    streamed: bool = False,
) -> Footprint:
    """What opening a bundle and running so many tokens will take, at its peak.

    Args:
        bundle: a decoder or encoder with graphs for the CPU.
        plan: how it is opened.
        tokens: of one prompt and its answer; None: as many as the context holds.
        outline: the graph, where it was read already.
        streamed: whether weights are mapped, and one piece of them at a time is enough.

    Raises:
        CorruptBundle: if the graph cannot be read.
    """
    seen = outline or outline_of(bundle)
    model = bundle.manifest.model
    count = plan.context if tokens is None else tokens
    rows = min(count, plan.batch) if isinstance(model, ModelFacts) else count
    products = [node for node in seen.nodes if node.kind == PRODUCT]
    inner = [node for node in products if not node.outputs[0].startswith("head.")]
    widest = max((node.integers.get("N", 0) for node in inner), default=0)
    scratch = int(rows * (ROW + 4 * WIDE * widest))
    mapped = KERNELS + min(_table_bytes(seen), int(LOOKUP * NEW_TOKENS * rows))
    cache = 0
    variant = bundle.variant("cpu")
    if isinstance(model, ModelFacts):
        cache = cache_row(model) * count
        if not plan.integer_prefill and variant and variant.prefill:
            scratch += int(4 * EXPANDED * max(map(_elements, inner), default=0))
            mapped = KERNELS + STAGE
    # While it opens, one matrix at a time lies mapped beside its packed copy
    loading = KERNELS + max(map(_stored, products), default=0) - cache - scratch
    return Footprint(
        process=_process(),
        weights=SESSION + (PACKING if streamed else weight_bytes(seen)),
        tokenizer=_tokenizer(bundle),
        cache=cache,
        scratch=scratch,
        mapped=mapped + PIECE if streamed else max(mapped, loading),
    )


def outline_of(bundle: Bundle) -> Outline:
    """The outline of a bundle's graph for the CPU.

    Raises:
        CorruptBundle: if it has none, or it cannot be read.
    """
    variant = bundle.variant("cpu")
    name = variant.graph if variant else "model.onnx"
    return Outline.read(bundle.read(name), name)


def weight_bytes(outline: Outline) -> int:
    """Bytes of packed matrices, of widened scales, and of what the graph itself holds."""
    packed = sum(
        _elements(node) * node.integers.get("bits", 8) // 8
        + 8 * _elements(node) // node.integers.get("block_size", 32)
        for node in outline.nodes
        if node.kind == PRODUCT
    )
    tensors = outline.tensors
    widened = sum(
        4 * tensors[node.inputs[0]].elements
        for node in outline.nodes
        if node.kind == "Cast" and node.inputs[0] in tensors
    )
    floats = sum(  # float32 matrices are packed too
        tensors[node.inputs[1]].size_bytes
        for node in outline.nodes
        if node.kind.endswith("FusedMatMul") and node.inputs[1] in tensors
    )
    inside = sum(tensor.size_bytes for tensor in tensors.values() if not tensor.external)
    return packed + widened + floats + inside


def cache_row(model: ModelFacts) -> int:
    """Bytes of keys and values of one token."""
    return 2 * model.layers * model.kv_heads * model.head_dim * model.cache_item_bytes


def _elements(node: Node) -> int:
    return node.integers.get("N", 0) * node.integers.get("K", 0)


def _stored(node: Node) -> int:
    return _elements(node) * node.integers.get("bits", 8) // 8


def _table_bytes(outline: Outline) -> int:
    """Bytes of the largest table that rows are looked up in."""
    tables = (
        outline.tensors[node.inputs[0]].size_bytes
        for node in outline.nodes
        if node.kind.rpartition("::")[2] in LOOKUPS and node.inputs[0] in outline.tensors
    )
    return max(tables, default=0)


def _process() -> int:
    """What the process has now, and what it is still to load; a guess where nobody says."""
    engine = 0 if "onnxruntime" in sys.modules else ENGINE
    return max(resident_bytes(), PYTHON) + engine


def _tokenizer(bundle: Bundle) -> int:
    if Tokenizer.has_table(bundle):
        return TABLE_TOKENIZER
    return PARSED_TOKENIZER * bundle.place("tokenizer.json").size
