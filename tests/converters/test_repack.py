"""Repacking: lossless where it says so, and far below the source's own step elsewhere."""

import tracemalloc

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from block_maker import random_rows
from differences import rms
from ondol.errors import CorruptSource, OptionError, UnsupportedTensor
from ondol_converters.quantise.blocks import FLOAT_BYTES, KINDS, LAYOUTS, dense
from ondol_converters.quantise.repack import NEAREST, Blocks, exact_layout, repack
from ondol_converters.sources.gguf import GgufSource
from weights import gguf_path

COLUMNS = 1024
ROWS = 300
EXACT = [kind for kind in KINDS if exact_layout(kind)]
AFFINE = [kind for kind in KINDS if kind in LAYOUTS and LAYOUTS[kind].affine]


COARSER = [(8, 64, 0.012), (8, 128, 0.02), (4, 32, 0.15)]


def layouts_without_loss() -> list[tuple[str, int, int]]:
    found = [(kind, *layout) for kind in EXACT if (layout := exact_layout(kind))]
    return [*found, ("Q4_0", 8, 32), ("Q4_0", 4, 16), ("Q5_0", 8, 16), ("Q8_0", 8, 16)]


def gaussian(kind: str, rows: int = ROWS, columns: int = COLUMNS) -> NDArray[np.uint8]:
    """Rows as a quantiser leaves them: a step and a minimum that fit each group."""
    rng = np.random.default_rng(11)
    raw = random_rows(kind, rows, columns)
    blocks = raw.reshape(-1, LAYOUTS[kind].bytes)
    step = rng.uniform(0.001, 0.01, len(blocks)).astype("<f2")
    blocks[:, :2] = step[:, None].view(np.uint8)
    low = step * (LAYOUTS[kind].levels / 2) * rng.uniform(0.5, 1.5, len(blocks))
    sign = -1 if LAYOUTS[kind].elements == 32 else 1
    blocks[:, 2:4] = (sign * low).astype("<f2")[:, None].view(np.uint8)
    return raw


def test_the_table_is_what_was_agreed() -> None:
    assert {kind: exact_layout(kind) for kind in KINDS} == {
        "F32": None,
        "F16": None,
        "BF16": None,
        "Q4_0": (4, 32),
        "Q4_1": None,
        "Q5_0": (8, 32),
        "Q5_1": None,
        "Q8_0": (8, 32),
        "Q4_K": None,
        "Q5_K": None,
        "Q6_K": (8, 16),
    }
    assert NEAREST == (8, 32)


@pytest.mark.parametrize(("kind", "bits", "block"), layouts_without_loss())
def test_lossless_kinds(kind: str, bits: int, block: int) -> None:
    raw = random_rows(kind, ROWS, COLUMNS)
    blocks = repack(raw, kind, COLUMNS, bits, block)
    assert blocks.quants.shape == (ROWS, COLUMNS // block, block * bits // 8)
    assert blocks.quants.dtype == np.uint8
    assert blocks.scales.shape == (ROWS, COLUMNS // block)
    assert blocks.scales.dtype == np.float32
    assert np.array_equal(blocks.dense(COLUMNS), dense(raw, kind, COLUMNS))


@pytest.mark.parametrize("kind", AFFINE)
def test_kinds_with_a_minimum_lose_little(kind: str) -> None:
    raw = gaussian(kind)
    wanted = dense(raw, kind, COLUMNS)
    found = repack(raw, kind, COLUMNS, *NEAREST).dense(COLUMNS)
    groups = wanted.reshape(-1, 32)
    # The plain grid's worst case is half of a 127th of the largest value.
    error = np.abs(found.reshape(-1, 32) - groups).max(axis=1)
    assert (error <= 0.51 * np.abs(groups).max(axis=1) / 127).all()
    # A 127th of the extreme, uniformly rounded, is 0.5 %; the search must beat it clearly.
    assert rms(found, wanted) < 0.004


@pytest.mark.parametrize("kind", AFFINE)
def test_a_minimum_that_is_a_multiple_of_the_step_is_exact(kind: str) -> None:
    raw = random_rows(kind, 20, 256)
    blocks = raw.reshape(-1, LAYOUTS[kind].bytes)
    blocks[:, :4] = np.frombuffer(np.array([0.25, 0], "<f2").tobytes(), np.uint8)
    wanted = dense(raw, kind, 256)
    found = repack(raw, kind, 256, *NEAREST).dense(256)
    assert np.allclose(found, wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize("kind", sorted(FLOAT_BYTES))
@pytest.mark.parametrize(("bits", "bound"), [(8, 0.006), (4, 0.09)])
def test_plain_numbers_are_rounded(kind: str, bits: int, bound: float) -> None:
    raw = random_rows(kind, ROWS, COLUMNS)
    wanted = dense(raw, kind, COLUMNS)
    found = repack(raw, kind, COLUMNS, bits, 32).dense(COLUMNS)
    assert rms(found, wanted) < bound


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("bits", "block", "bound"), [(8, 64, 0.012), (8, 128, 0.02), (4, 32, 0.15)]
)
def test_coarser_layouts(kind: str, bits: int, block: int, bound: float) -> None:
    raw = gaussian(kind) if kind in AFFINE else random_rows(kind, ROWS, COLUMNS)
    wanted = dense(raw, kind, COLUMNS)
    assert rms(repack(raw, kind, COLUMNS, bits, block).dense(COLUMNS), wanted) < bound


def test_q6_k_in_blocks_of_32() -> None:
    raw = random_rows("Q6_K", ROWS, COLUMNS)
    wanted = dense(raw, "Q6_K", COLUMNS)
    assert rms(repack(raw, "Q6_K", COLUMNS, 8, 32).dense(COLUMNS), wanted) < 0.006


def test_columns_that_do_not_fill_a_block() -> None:
    values = np.random.default_rng(0).standard_normal((5, 70)).astype(np.float32)
    blocks = repack(values.view(np.uint8), "F32", 70, 8, 32)
    assert blocks.scales.shape == (5, 3)
    assert (blocks.quants[:, 2, 6:] == 128).all()
    assert rms(blocks.dense(70), values) < 0.006
    four = repack(values.view(np.uint8), "F32", 70, 4, 32)
    assert (four.quants[:, 2, 3:] == 0x88).all()


def test_a_quantised_row_that_does_not_fill_a_wider_block() -> None:
    raw = random_rows("Q8_0", 4, 96)
    blocks = repack(raw, "Q8_0", 96, 8, 64)
    assert blocks.quants.shape == (4, 2, 64)
    assert (blocks.quants[:, 1, 32:] == 128).all()
    assert rms(blocks.dense(96), dense(raw, "Q8_0", 96)) < 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_zeros_stay_zeros(kind: str) -> None:
    width = len(random_rows(kind, 1, 256)[0])
    blocks = repack(np.zeros((3, width), np.uint8), kind, 256, 8, 16)
    assert not blocks.dense(256).any()
    assert np.isfinite(blocks.scales).all()


def test_numbers_too_small_or_large_for_a_scale() -> None:
    values = np.array([[1e-44] * 32 + [1e38, -3e38] * 16], np.float32)
    blocks = repack(values.view(np.uint8), "F32", 64, 8, 32)
    found = blocks.dense(64)
    assert not found[0, :32].any()
    assert np.allclose(found[0, 32:], values[0, 32:], rtol=0.02)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("layout", [(8, 16), (8, 128), (4, 32)])
def test_numbers_that_are_none_are_refused(kind: str, bad: float, layout: tuple[int, int]) -> None:
    raw = random_rows(kind, 2, 256)
    if kind in LAYOUTS:
        at = 208 if kind == "Q6_K" else 0
        raw[1, at : at + 2] = np.array([bad], "<f2").view(np.uint8)
    else:
        kinds = {"F32": np.float32(bad).tobytes(), "F16": np.float16(bad).tobytes()}
        number = np.frombuffer(kinds.get(kind, np.float32(bad).tobytes()[2:]), np.uint8)
        raw[1, : len(number)] = number
    with pytest.raises(CorruptSource, match="NaN or an infinity"):
        repack(raw, kind, 256, *layout)


@pytest.mark.parametrize(("bits", "block"), [(2, 32), (8, 8), (8, 48), (8, 512), (0, 0)])
def test_layouts_no_kernel_reads(bits: int, block: int) -> None:
    with pytest.raises(OptionError, match="No kernel"):
        repack(random_rows("Q8_0", 1, 256), "Q8_0", 256, bits, block)


def test_kinds_that_cannot_be_read() -> None:
    with pytest.raises(UnsupportedTensor, match="Q2_K"):
        repack(np.zeros((1, 84), np.uint8), "Q2_K", 256, 8, 32)


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_K", "F16"])
def test_temporary_memory_does_not_follow_the_rows(kind: str) -> None:
    raw = random_rows(kind, 6000, COLUMNS)
    tracemalloc.start()
    try:
        blocks = repack(raw, kind, COLUMNS, 8, 32)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak - blocks.quants.nbytes - blocks.scales.nbytes < 12 << 20


def run_kernel(blocks: Blocks, columns: int, x: NDArray[np.float32]) -> NDArray[np.float32]:
    node = helper.make_node(
        "MatMulNBits",
        ["x", "quants", "scales"],
        ["y"],
        domain="com.microsoft",
        K=columns,
        N=len(blocks.quants),
        bits=blocks.bits,
        block_size=blocks.block,
        accuracy_level=0,
    )
    graph = helper.make_graph(
        [node],
        "kernel",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [
            numpy_helper.from_array(blocks.quants, "quants"),
            numpy_helper.from_array(blocks.scales, "scales"),
        ],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model: onnx.ModelProto = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0], np.float32)


@pytest.mark.parametrize(
    ("kind", "bits", "block"),
    [("Q4_0", 4, 32), ("Q5_0", 8, 32), ("Q6_K", 8, 16), ("Q4_K", 8, 32), ("F32", 4, 128)],
)
def test_the_kernel_sees_what_dense_says(kind: str, bits: int, block: int) -> None:
    blocks = repack(random_rows(kind, 48, 512), kind, 512, bits, block)
    x = np.random.default_rng(1).standard_normal((3, 512)).astype(np.float32)
    wanted = x @ blocks.dense(512).T
    # Order of summation only: 512 float32 products.
    assert np.allclose(run_kernel(blocks, 512, x), wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.weights
@pytest.mark.parametrize("name", ["gemma", "qwen"])
def test_starter_weights(name: str) -> None:
    with GgufSource(gguf_path(name)) as source:
        matrices = [info for info in source.tensors.values() if len(info.shape) == 2]
        assert {info.kind for info in matrices} == {"Q8_0", "Q5_0", "Q6_K", "Q4_K"}
        for info in matrices:
            columns = info.shape[1]
            raw = source.read(info.name, 0, 64)
            wanted = dense(raw, info.kind, columns)
            layout = exact_layout(info.kind)
            found = repack(raw, info.kind, columns, *(layout or NEAREST)).dense(columns)
            assert rms(found, wanted) <= (0 if layout else 0.004), info.name
