"""Rounding methods: each is better than the one before where it claims to be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ondol.errors import CorruptSource, OptionError
from ondol_converters.quantise.awq import channel_scales
from ondol_converters.quantise.blocks import dense
from ondol_converters.quantise.gptq import Factor, factor
from ondol_converters.quantise.repack import ZERO
from ondol_converters.quantise.rounding import METHODS, quantise
from ondol_converters.recipe import Layout
from ondol_converters.sources.gguf import GgufSource
from weights import gguf_path

Floats = NDArray[np.float32]

ROWS, COLUMNS = 96, 256


def correlated(tokens: int = 700, columns: int = COLUMNS) -> Floats:
    """Activations as models have them: few directions, and channels of unlike size."""
    rng = np.random.default_rng(5)
    few = rng.standard_normal((tokens, columns // 4)) @ rng.standard_normal((columns // 4, columns))
    x = few * rng.lognormal(0, 1, columns) + rng.standard_normal((tokens, columns))
    return x.astype(np.float32)


def gram_of(x: Floats) -> Floats:
    return (x.T @ x).astype(np.float32)


def weights(rows: int = ROWS, columns: int = COLUMNS) -> Floats:
    return np.random.default_rng(6).standard_normal((rows, columns)).astype(np.float32)


def output_error(values: Floats, layout: Layout, gram: Floats) -> float:
    """tr(dW H dW^T): the squared error of the matrix's output over the calibration tokens."""
    off = quantise(values, layout, gram).dense(values.shape[1]) - values
    return float(np.einsum("rk,rk->", off @ gram, off))


@pytest.mark.parametrize("block", [16, 32, 64, 128])
@pytest.mark.parametrize("bits", [4, 8])
def test_each_method_beats_the_one_before(bits: int, block: int) -> None:
    values, gram = weights(), gram_of(correlated())
    errors = [
        output_error(values, Layout(bits, block, method), gram)
        for method in ("nearest", "search", "awq", "gptq")
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.6 * errors[0]


@pytest.mark.weights
@pytest.mark.parametrize("name", ["blk.3.ffn_down.weight", "blk.0.attn_q.weight"])
def test_on_real_matrices_too(name: str) -> None:
    with GgufSource(gguf_path("gemma")) as source:
        info = source.tensors[name]
        values = dense(source.read(name), info.kind, info.shape[1])[:256]
    gram = gram_of(correlated(3000, info.shape[1]))
    layout = Layout(4, 32)
    nearest, search, gptq = (
        output_error(values, Layout(layout.bits, layout.block, method), gram)
        for method in ("nearest", "search", "gptq")
    )
    assert gptq < 0.8 * search < 0.8 * nearest


@pytest.mark.parametrize("block", [16, 32, 64, 128])
@pytest.mark.parametrize("bits", [4, 8])
def test_search_without_a_gram_has_the_smaller_squared_error(bits: int, block: int) -> None:
    values = weights()
    nearest = quantise(values, Layout(bits, block, "nearest")).dense(COLUMNS)
    search = quantise(values, Layout(bits, block, "search")).dense(COLUMNS)
    # of every block, not only of all together
    per_block = (-1, block)
    was = np.square(nearest - values).reshape(per_block).sum(1)
    now = np.square(search - values).reshape(per_block).sum(1)
    assert (now <= was * (1 + 1e-5)).all() and now.sum() < was.sum()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 8),
    st.sampled_from([16, 32, 64, 128]),
    st.sampled_from(["search", "gptq"]),
    st.integers(0, 2**32 - 1),
)
def test_a_4_bit_grid_comes_back_to_the_bit(most: int, block: int, method: str, seed: int) -> None:
    """Whatever part of the grid its blocks use, and whatever the sign of its scales."""
    rng = np.random.default_rng(seed)
    quants = rng.integers(-most, min(most, 7) + 1, (8, 2, block)).astype(np.float32)
    # as Q4_0 keeps them, so that a product with a whole number is exact
    scales = (rng.standard_normal((8, 2, 1)) * 0.01).astype(np.float16).astype(np.float32)
    values = (quants * scales).reshape(8, -1)
    gram = gram_of(correlated(200, 2 * block))
    found = quantise(values, Layout(4, block, method), gram).dense(2 * block)
    assert np.array_equal(found, values)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bits", [4, 8])
def test_a_full_grid_comes_back_to_the_bit(method: str, bits: int) -> None:
    """A block that reaches the lowest point, as Q4_0 blocks do, or 127, as Q8_0 blocks do."""
    rng = np.random.default_rng(1)
    most = 8 if bits == 4 else 127
    quants = rng.integers(1 - most, most, (16, 4, 32)).astype(np.float32)
    quants[..., 0] = -most if bits == 4 else most
    scales = (rng.standard_normal((16, 4, 1)) * 0.01).astype(np.float16).astype(np.float32)
    values = (quants * scales).reshape(16, -1)
    found = quantise(values, Layout(bits, 32, method), gram_of(correlated(200, 128)))
    assert np.array_equal(found.dense(128), values)


def test_runs_of_rows_are_the_whole_matrix() -> None:
    values, known = weights(), factor(gram_of(correlated()))
    layout = Layout(4, 64, "gptq")
    whole = quantise(values, layout, known)
    runs = [quantise(values[at : at + 40], layout, known) for at in range(0, ROWS, 40)]
    found = np.concatenate([run.dense(COLUMNS) for run in runs])
    # sums of products differ in their order, so a value on the edge may fall the other way
    same = np.isclose(found, whole.dense(COLUMNS), rtol=1e-4, atol=1e-6)
    assert same.mean() > 0.99


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bits", [4, 8])
def test_columns_that_do_not_fill_a_block(method: str, bits: int) -> None:
    values, gram = weights(12, 200), gram_of(correlated(600, 200))
    blocks = quantise(values, Layout(bits, 128, method), gram)
    assert blocks.scales.shape == (12, 2)
    assert blocks.quants.shape == (12, 2, 128 * bits // 8)
    spare = blocks.quants[:, 1, 72 * bits // 8 :]
    assert (spare == (0x88 if bits == 4 else ZERO[8])).all()
    # this gram's cheap directions may be far off; the output must not be
    off = blocks.dense(200) - values
    lost = np.einsum("rk,rk->", off @ gram, off) / np.einsum("rk,rk->", values @ gram, values)
    assert lost < (0.05 if bits == 4 else 2e-4)


@pytest.mark.parametrize("method", METHODS)
def test_zeros_stay_zeros(method: str) -> None:
    blocks = quantise(np.zeros((3, 64), np.float32), Layout(4, 32, method), np.eye(64, dtype="f4"))
    assert not blocks.dense(64).any() and np.isfinite(blocks.scales).all()


@pytest.mark.parametrize("method", METHODS)
def test_inputs_that_never_came_cost_nothing(method: str) -> None:
    x = correlated()
    x[:, 30:70] = 0
    for gram in (gram_of(x), np.zeros((COLUMNS, COLUMNS), np.float32)):
        found = quantise(weights(), Layout(4, 32, method), gram)
        assert np.isfinite(found.scales).all()
        off = np.delete(found.dense(COLUMNS) - weights(), np.s_[30:70], axis=1)
        assert np.abs(off).max() < 2.5


def test_a_factor_is_one_of_the_damped_inverse() -> None:
    gram = gram_of(correlated())
    known = factor(gram, 0.01)
    damped = gram.astype(np.float64) + np.eye(COLUMNS) * 0.01 * np.trace(gram) / COLUMNS
    upper = known.upper.astype(np.float64)
    assert not np.tril(upper, -1).any()
    assert np.allclose(upper.T @ upper @ damped, np.eye(COLUMNS), atol=1e-3)


def test_channel_scales_pay_where_channels_differ() -> None:
    values, x = weights(), correlated()
    x[:, ::17] *= 40
    gram = gram_of(x)
    scales = channel_scales([values, values[:10]], gram, 4, 128)
    assert scales.shape == (COLUMNS,) and (scales > 0).all()
    layout = Layout(4, 128, "search")
    plain = quantise(values, layout).dense(COLUMNS) - values
    folded = quantise(values * scales, layout).dense(COLUMNS) / scales - values
    assert np.square(x @ folded.T).sum() < 0.6 * np.square(x @ plain.T).sum()


def test_channel_scales_of_silence_are_ones() -> None:
    assert (channel_scales([weights()], np.zeros((COLUMNS, COLUMNS), "f4"), 4, 32) == 1).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(method: str, bad: float) -> None:
    values = weights()
    values[3, 3] = bad
    with pytest.raises(CorruptSource, match="not a number"):
        quantise(values, Layout(4, 32, method), gram_of(correlated()))


@pytest.mark.parametrize(
    "layout",
    [Layout(2, 32, "search"), Layout(4, 48, "search"), Layout(32, 0), Layout(4, 32, "exact")],
)
def test_layouts_that_are_none_are_refused(layout: Layout) -> None:
    with pytest.raises(OptionError, match="No kernel"):
        quantise(weights(), layout)


@pytest.mark.parametrize("method", ["gptq", "awq"])
def test_a_method_without_its_statistics_is_refused(method: str) -> None:
    with pytest.raises(OptionError, match="--calibration"):
        quantise(weights(), Layout(4, 32, method))


@pytest.mark.parametrize(
    "gram",
    [
        np.full((4, 4), np.nan, np.float32),
        np.zeros((4, 3), np.float32),
        -np.eye(4, dtype=np.float32),
        np.diag(np.array([1e3, 1e3, -1e5, 1e5], np.float32)),
    ],
)
def test_grams_that_are_none_are_refused(gram: Floats) -> None:
    with pytest.raises(OptionError, match="statistics"):
        factor(gram)


def test_a_nearly_singular_gram_is_damped_until_it_is_not() -> None:
    gram = np.diag(np.array([-3.0, 100, 100, 100], np.float32))
    assert isinstance(factor(gram), Factor)


def test_a_gram_of_other_columns_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="256 columns"):
        quantise(weights(), Layout(4, 32, "search"), np.eye(8, dtype=np.float32))
