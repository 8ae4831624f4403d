"""The oracle's operators against ONNX Runtime's, on small random graphs."""

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto

from ondol_runtimes._program import KNOWN, Program
from onnx_maker import RANDOM, Array, Attributes, floats, model, nowhere, whole

# Both compute in float32 here, in another order, and ONNX Runtime's tanh is a rational fit.
CLOSE = 2e-5


def both(
    kind: str, inputs: list[Array | None], attributes: Attributes, outputs: int = 1
) -> list[tuple[Array, Array]]:
    """What the oracle and ONNX Runtime make of a node, output by output."""
    made = model(kind, inputs, attributes, outputs)
    feeds = {f"in{i}": value for i, value in enumerate(inputs) if value is not None}
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(made, options, providers=["CPUExecutionProvider"])
    theirs = [np.asarray(value) for value in session.run(None, feeds)]
    copies = {name: value.copy() for name, value in feeds.items()}  # a cache is written in place
    ours = Program(made, nowhere, np.float32).run(copies)
    return [(ours[f"out{i}"], theirs[i]) for i in range(outputs)]


def agree(pairs: list[tuple[Array, Array]]) -> None:
    for ours, theirs in pairs:
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=CLOSE, atol=CLOSE)


PLAIN: dict[str, tuple[str, list[Array | None], Attributes, int]] = {
    "add": ("Add", [floats(2, 3, 4), floats(4)], {}, 1),
    "sub": ("Sub", [whole(5, 6), whole(1)], {}, 1),
    "mul": ("Mul", [floats(2, 3), floats(1)], {}, 1),
    "cast": ("Cast", [whole(1, 2, 3)], {"to": TensorProto.INT32}, 1),
    "concat": ("Concat", [floats(2, 3), floats(2, 5)], {"axis": -1}, 1),
    "gather": ("Gather", [floats(6, 4), whole(5, 0, 5)[None]], {"axis": 0}, 1),
    "range": ("Range", [np.array(0), np.array(7), np.array(2)], {}, 1),
    "sum": ("ReduceSum", [floats(3, 4), whole(1)], {"keepdims": 0}, 1),
    "sum all": ("ReduceSum", [floats(3, 4)], {}, 1),
    "reshape": ("Reshape", [floats(1, 5, 8), whole(0, 0, -1, 4)], {}, 1),
    "shape": ("Shape", [floats(1, 5, 8)], {"start": 1}, 1),
    "shape end": ("Shape", [floats(1, 5, 8)], {"start": 0, "end": -1}, 1),
    "slice last": ("Slice", [floats(1, 5, 8), whole(-1), whole(1 << 62), whole(1)], {}, 1),
    "slice step": ("Slice", [floats(9), whole(8), whole(-99), whole(0), whole(-2)], {}, 1),
    "split": ("Split", [floats(1, 3, 9), whole(4, 3, 2)], {"axis": -1}, 3),
    "squeeze": ("Squeeze", [whole(7)], {}, 1),
    "squeeze axis": ("Squeeze", [floats(1, 3, 1), whole(2)], {}, 1),
    "norm": ("SimplifiedLayerNormalization", [floats(2, 3, 8), floats(8)], {"epsilon": 1e-6}, 1),
    "layer norm": ("LayerNormalization", [floats(2, 3, 8), floats(8), floats(8)], {"axis": -1}, 1),
    "exact gelu": ("com.microsoft::Gelu", [floats(2, 9) * 4], {}, 1),
    "div": ("Div", [floats(2, 3, 4), floats(4) + 9], {}, 1),
    "unsqueeze": ("Unsqueeze", [floats(2, 3), whole(-1)], {}, 1),
    "mean": ("ReduceMean", [floats(2, 3, 4), whole(1)], {"keepdims": 0}, 1),
    "unit": ("LpNormalization", [floats(2, 3)], {"axis": -1, "p": 2}, 1),
    "identity": ("Identity", [floats(2, 3)], {}, 1),
    "gelu": ("com.microsoft::FastGelu", [floats(2, 9) * 4], {}, 1),
    "gelu bias": ("com.microsoft::FastGelu", [floats(2, 9), floats(9)], {}, 1),
    "silu": ("com.microsoft::QuickGelu", [floats(2, 9) * 20], {"alpha": 1.0}, 1),
    "matmul": ("com.microsoft::FusedMatMul", [floats(1, 3, 8), floats(5, 8)], {"transB": 1}, 1),
    "matmul alpha": ("com.microsoft::FusedMatMul", [floats(3, 8), floats(8, 5)], {"alpha": 0.5}, 1),
}


@pytest.mark.parametrize("name", PLAIN)
def test_operators_agree_with_onnxruntime(name: str) -> None:
    agree(both(*PLAIN[name]))


@pytest.mark.parametrize("kind", ["SkipSimplifiedLayerNormalization", "SkipLayerNormalization"])
@pytest.mark.parametrize("biased", [False, True])
def test_skip_norms_agree_with_onnxruntime(kind: str, biased: bool) -> None:
    inputs: list[Array | None] = [floats(1, 3, 8) + 1, floats(1, 3, 8), floats(8)]
    if kind == "SkipLayerNormalization":
        inputs.append(floats(8))
    if biased:
        inputs.append(floats(8))
    pairs = both(f"com.microsoft::{kind}", inputs, {"epsilon": 1e-6}, 4)
    agree([pairs[0], pairs[3]])


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize(("size", "turned"), [(16, 16), (24, 6), (8, 8), (40, 20)])
@pytest.mark.parametrize("positions", [whole(3), whole(3, 4, 5, 9)[None]], ids=["first", "every"])
def test_rotary_embedding_agrees(
    interleaved: int, size: int, turned: int, positions: Array
) -> None:
    angles = RANDOM.uniform(0, 6, (12, turned // 2))
    tables = [np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)]
    said = {"num_heads": 3, "rotary_embedding_dim": turned, "interleaved": interleaved}
    inputs: list[Array | None] = [floats(1, 4, 3 * size), positions, *tables]
    agree(both("com.microsoft::RotaryEmbedding", inputs, said))


def quantised(rows: int, columns: int, bits: int, block: int) -> tuple[Array, Array]:
    blocks = -(-columns // block)
    quants = RANDOM.integers(0, 256, (rows, blocks, block * bits // 8), np.uint8)
    return quants, np.abs(floats(rows, blocks)) * 0.1


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize(("block", "columns"), [(16, 48), (32, 96), (32, 80), (64, 64)])
@pytest.mark.parametrize("biased", [False, True])
def test_quantised_products_agree(bits: int, block: int, columns: int, biased: bool) -> None:
    quants, scales = quantised(7, columns, bits, block)
    said = {"K": columns, "N": 7, "bits": bits, "block_size": block}
    inputs: list[Array | None] = [floats(1, 3, columns), quants, scales]
    if biased:
        inputs += [None, None, floats(7)]
    agree(both("com.microsoft::MatMulNBits", inputs, said))


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("block", [16, 32])
def test_quantised_rows_agree(bits: int, block: int) -> None:
    quants, scales = quantised(9, 96, bits, block)
    inputs: list[Array | None] = [quants.reshape(9, -1), whole(8, 0, 3, 3)[None], scales]
    said = {"bits": bits, "block_size": block, "gather_axis": 0, "quantize_axis": 1}
    agree(both("com.microsoft::GatherBlockQuantized", inputs, said))


@pytest.mark.parametrize("masked", [False, True])
def test_attention_both_ways_agrees(masked: bool) -> None:
    inputs: list[Array | None] = [floats(2, 5, 24) for _ in range(3)]
    if masked:
        inputs += [None, np.array([[1, 1, 1, 0, 0], [1] * 5], np.int32)]
    agree(both("com.microsoft::MultiHeadAttention", inputs, {"num_heads": 3}))


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "apart"])
@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 2), (3, 1), (2, 2)])
@pytest.mark.parametrize("turned", [0, 16, 32])
@pytest.mark.parametrize(
    ("before", "count", "window"), [(0, 9, -1), (0, 9, 4), (6, 1, 3), (5, 4, 3)]
)
def test_attention_agrees(
    packed: bool,
    interleaved: int,
    heads: int,
    kv_heads: int,
    turned: int,
    before: int,
    count: int,
    window: int,
) -> None:
    size, capacity, total = 32, 24, before + count
    q, k, v = (floats(1, count, n * size) for n in (heads, kv_heads, kv_heads))
    qkv: list[Array | None] = [np.concatenate([q, k, v], 2), None, None] if packed else [q, k, v]
    angles = RANDOM.uniform(0, 6, (capacity, turned // 2))
    past: list[Array] = [floats(1, kv_heads, capacity, size) for _ in range(2)]
    inputs: list[Array | None] = [
        *qkv,
        *past,
        np.array([total - 1], np.int32),
        np.array(total, np.int32),
    ]
    if turned:
        inputs += [np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)]
    said = {
        "num_heads": heads,
        "kv_num_heads": kv_heads,
        "do_rotary": int(turned > 0),
        "rotary_interleaved": interleaved,
        "scale": 0.31,
        "local_window_size": window,
    }
    attended, keys, values = both("com.microsoft::GroupQueryAttention", inputs, said, 3)
    agree([attended])
    # Past the filled positions ONNX Runtime leaves what it likes
    agree([(ours[:, :, :total], theirs[:, :, :total]) for ours, theirs in (keys, values)])


@pytest.mark.parametrize(
    ("size", "turned", "interleaved"), [(64, 64, 0), (80, 80, 0), (128, 64, 0), (256, 64, 1)]
)
def test_published_heads_are_turned_alike(size: int, turned: int, interleaved: int) -> None:
    """HyperCLOVA X SEED, EXAONE 3.5 2.4B, Polyglot-Ko 1.3B and KoGPT 6B."""
    count, angles = 5, RANDOM.uniform(0, 6, (8, turned // 2))
    past: list[Array] = [floats(1, 1, 8, size) for _ in range(2)]
    inputs: list[Array | None] = [
        *(floats(1, count, heads * size) for heads in (2, 1, 1)),
        *past,
        np.array([count - 1], np.int32),
        np.array(count, np.int32),
        np.cos(angles).astype(np.float32),
        np.sin(angles).astype(np.float32),
    ]
    said = {"num_heads": 2, "kv_num_heads": 1, "do_rotary": 1, "rotary_interleaved": interleaved}
    attended, keys, _ = both("com.microsoft::GroupQueryAttention", inputs, said, 3)
    agree([attended, (keys[0][:, :, :count], keys[1][:, :, :count])])


def test_every_operator_is_tested_here() -> None:
    here = {kind for kind, *_ in PLAIN.values()} | {
        "com.microsoft::GatherBlockQuantized",
        "com.microsoft::GroupQueryAttention",
        "com.microsoft::MatMulNBits",
        "com.microsoft::MultiHeadAttention",
        "com.microsoft::RotaryEmbedding",
        "com.microsoft::SkipLayerNormalization",
        "com.microsoft::SkipSimplifiedLayerNormalization",
    }
    assert here == set(KNOWN)
