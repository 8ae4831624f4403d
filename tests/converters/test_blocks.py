"""Unpacking against the gguf package, bit for bit."""

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from block_maker import random_rows
from ondol.errors import CorruptSource, UnsupportedTensor
from ondol_converters.quantise.blocks import CHUNK_ELEMENTS, KINDS, LAYOUTS, dense


def reference(raw: NDArray[np.uint8], kind: str) -> NDArray[np.float32]:
    found = gguf.quants.dequantize(raw, gguf.GGMLQuantizationType[kind])
    return np.asarray(found, np.float32).reshape(len(raw), -1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 256), (7, 512), (3, 4864 // 256 * 256)])
def test_dense_is_ggmls_to_the_bit(kind: str, shape: tuple[int, int]) -> None:
    raw = random_rows(kind, *shape)
    found = dense(raw, kind, shape[1])
    assert found.dtype == np.float32
    assert np.array_equal(found.view(np.uint32), reference(raw, kind).view(np.uint32))


@pytest.mark.parametrize("kind", KINDS)
def test_more_rows_than_a_chunk(kind: str) -> None:
    raw = random_rows(kind, 2 * CHUNK_ELEMENTS // 1024 + 3, 1024)
    found = dense(raw, kind, 1024)
    for at in (0, 255, 256, len(raw) - 1):
        assert np.array_equal(found[at], reference(raw[at : at + 1], kind)[0])


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"F32", "F16", "BF16"}))
def test_layouts_are_the_gguf_packages(kind: str) -> None:
    layout = LAYOUTS[kind]
    sizes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    assert (layout.elements, layout.bytes) == sizes


def test_rows_need_not_be_contiguous_or_writable() -> None:
    raw = random_rows("Q6_K", 8, 512)
    expected = dense(raw, "Q6_K", 512)[::2]
    view = raw[::2]
    view.flags.writeable = False
    assert np.array_equal(dense(view, "Q6_K", 512), expected)


def test_no_rows() -> None:
    assert dense(np.empty((0, 34), np.uint8), "Q8_0", 32).shape == (0, 32)


def test_broken_scales_are_carried_without_a_warning() -> None:
    raw = np.zeros((1, 34), np.uint8)
    raw[0, :2] = (0, 0x7C)  # infinity, times zero
    assert np.isnan(dense(raw, "Q8_0", 32)).all()


def test_unknown_kinds_and_odd_columns_are_refused() -> None:
    with pytest.raises(UnsupportedTensor, match="IQ2_XXS"):
        dense(np.zeros((1, 66), np.uint8), "IQ2_XXS", 256)
    with pytest.raises(UnsupportedTensor, match="48 columns"):
        dense(np.zeros((1, 51), np.uint8), "Q8_0", 48)


def test_rows_of_the_wrong_length_are_refused() -> None:
    with pytest.raises(CorruptSource, match="34 bytes"):
        dense(np.zeros((2, 33), np.uint8), "Q8_0", 32)
    with pytest.raises(CorruptSource, match="34 bytes"):
        dense(np.zeros(34, np.uint8), "Q8_0", 32)
