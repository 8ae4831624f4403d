"""What decoding one token asks of a bundle: its matrices, and what is no matrix."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceUnavailable
from ondol.language import say
from ondol_runtimes.aim.geometry import GEOMETRY, MOST_CHANNELS
from ondol_runtimes.aim.mapping import Gemv, bank_rows

SIZES = {1: 4, 2: 1, 3: 1, 10: 2, 16: 2}
"""Bytes of an element by ONNX's number of its type: those that weights are stored in."""

PRODUCTS = ("MatMulNBits", "FusedMatMul")
LOOKUPS = ("Gather", "GatherBlockQuantized")


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix that decoding multiplies by one vector; `stored_bytes` in the bundle's own kind."""

    name: str
    rows: int
    columns: int
    stored_bytes: int


@dataclass(frozen=True, slots=True)
class Work:
    """One token's decode: what the banks take, and what stays on the processor.

    `heads_by_window` are a layer's query heads and its window in tokens, 0 for no window.
    """

    matrices: tuple[Matrix, ...]
    heads_by_window: tuple[tuple[int, int], ...]
    norm_bytes: int
    lookup_bytes: int

    def attention_macs(self, head_dim: int, length: int) -> int:
        """Multiplications of scores and of weighted values over `length` tokens."""
        seen = (heads * (min(length, w) if w else length) for heads, w in self.heads_by_window)
        return 2 * head_dim * sum(seen)

    def cache_bytes(self, row_bytes: int, length: int) -> int:
        """Bytes of keys and values that are read, `row_bytes` of a layer and token."""
        return row_bytes * sum(min(length, w) if w else length for _, w in self.heads_by_window)


def work_of(bundle: Bundle) -> Work:
    """Read the decode graph of a bundle; no weights are read.

    Raises:
        WrongKind: if it is no decoder.
        CorruptBundle: if it has no decode graph, or one that cannot be read.
    """
    import onnx

    _ = bundle.decoder
    variant = bundle.variant("cpu")
    if variant is None:
        raise _unreadable(bundle, say("It has no CPU variant.", "CPU용 그래프가 없습니다."))
    try:
        graph = onnx.load_model_from_string(bundle.read(variant.graph)).graph
    except Exception as exc:  # protobuf's error class depends on its version
        raise _unreadable(bundle, f"{type(exc).__name__}: {str(exc)[:200]}") from exc
    try:
        work = _work(graph)
    except (TypeError, ValueError) as exc:  # protobuf hands out bytes where a name is no text
        raise _unreadable(bundle, str(exc)[:200]) from exc
    if not work.matrices:
        raise _unreadable(bundle, say("No matrix is in its graph.", "그래프에 행렬이 없습니다."))
    return work


def _work(graph: Any) -> Work:
    held = {tensor.name: tensor for tensor in graph.initializer}
    norms = [node for node in graph.node if "Normalization" in node.op_type]
    lookups = [
        held[node.input[0]]
        for node in graph.node
        if node.op_type in LOOKUPS and node.input and node.input[0] in held
    ]
    return Work(
        tuple(_matrices(graph, held)),
        tuple(_heads(graph)),
        sum(_bytes(held[name]) for node in norms for name in node.input if name in held),
        sum(_bytes(table) // max(1, table.dims[0]) for table in lookups if len(table.dims) == 2),
    )


def placed(matrices: tuple[Matrix, ...], channels: int, name: str) -> tuple[Gemv, ...]:
    """Every matrix as the product that the banks compute.

    Raises:
        DeviceUnavailable: if they do not fit together, with how many channels would do.
    """
    need = _rows(matrices, channels)
    if need <= GEOMETRY.rows:
        return tuple(Gemv(each.rows, each.columns, channels) for each in matrices)
    enough = next(
        (n for n in range(channels, MOST_CHANNELS + 1) if _rows(matrices, n) <= GEOMETRY.rows), 0
    )
    gigabytes = channels * GEOMETRY.channel_bytes / 1e9
    raise DeviceUnavailable(
        say(
            f"{name} in BF16 does not fit into {channels} simulated channel{'s' * (channels > 1)}.",
            f"{name}의 BF16 가중치가 모의 채널 {channels}개에 들어가지 않습니다.",
        ),
        say(
            f"It takes {need:,} rows of every bank, which has {GEOMETRY.rows:,} "
            f"({gigabytes:.1f} GB in all).",
            f"뱅크마다 {need:,}행이 필요한데 {GEOMETRY.rows:,}행뿐입니다(모두 {gigabytes:.1f} GB).",
        ),
        f"--channels {enough}"
        if enough
        else say(
            f"No number up to {MOST_CHANNELS} is enough.",
            f"{MOST_CHANNELS}개로도 모자랍니다.",
        ),
    )


def _rows(matrices: tuple[Matrix, ...], channels: int) -> int:
    return sum(bank_rows(each.rows, each.columns, channels) for each in matrices)


def _matrices(graph: Any, held: dict[str, Any]) -> Iterator[Matrix]:
    """Every product with weights; raises ValueError for one whose sizes cannot be."""
    for node in graph.node:
        if node.op_type not in PRODUCTS or len(node.input) < 2 or node.input[1] not in held:
            continue
        weights, name = held[node.input[1]], node.name.rpartition("/")[0] or node.name
        stored = sum(_bytes(held[each]) for each in node.input[1:] if each in held)
        if node.op_type == "MatMulNBits":
            sizes = (_number(node, "N"), _number(node, "K"))
        else:
            sizes = tuple(weights.dims) if _number(node, "transB") else tuple(weights.dims)[::-1]
        if len(sizes) != 2 or min(sizes) < 1:
            raise ValueError(f"{name}: {sizes}")
        yield Matrix(name, *sizes, stored)


def _heads(graph: Any) -> Iterator[tuple[int, int]]:
    """Query heads and window of every attention; raises ValueError where there are none."""
    for node in graph.node:
        if node.op_type == "GroupQueryAttention":
            heads, window = _number(node, "num_heads"), _number(node, "local_window_size")
            if heads < 1:
                raise ValueError(f"{node.name}: num_heads {heads}")
            yield heads, max(0, window)


def _number(node: Any, name: str) -> int:
    return next((int(each.i) for each in node.attribute if each.name == name), 0)


def _bytes(tensor: Any) -> int:
    size = SIZES.get(tensor.data_type, 4)
    for dimension in tensor.dims:
        size *= max(0, dimension)
    return size


def _unreadable(bundle: Bundle, why: str) -> CorruptBundle:
    return CorruptBundle(
        say(
            f"The decode graph of {bundle.name} cannot be read.",
            f"{bundle.name}의 디코드 그래프를 읽을 수 없습니다.",
        ),
        why,
        say("Verify the bundle: ondol verify", "번들 검사: ondol verify"),
    )
