"""BF16 arithmetic of a bank: rounding bit by bit, and sums within the bound that is stated."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ondol_runtimes.aim.bfloat16 import UNIT, error_bound, product, rounded


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_rounding_is_to_the_nearest_value_and_ties_to_even(number: float) -> None:
    single = np.float32(number)
    found = rounded(np.array([single]))[0]
    bits = int(found.view(np.uint32))
    assert bits & 0xFFFF == 0
    below = int(single.view(np.uint32)) & 0xFFFF0000
    neighbours = [np.uint32(b).view(np.float32) for b in (below, below + 0x10000)]
    if not np.isfinite(neighbours[1]):
        return
    away = [abs(Fraction(float(each)) - Fraction(float(single))) for each in neighbours]
    wanted = int(np.argmin([float(each) for each in away]))
    if away[0] == away[1]:
        wanted = int((below >> 16) & 1)
    assert found == neighbours[wanted]


def test_what_is_no_number_or_too_large_stays_so() -> None:
    given_ = np.array([np.nan, np.inf, -np.inf, 3.4e38, 0.0, -0.0], np.float32)
    found = rounded(given_)
    assert np.isnan(found[0]) and found[1] == np.inf and found[2] == -np.inf
    assert found[3] == np.inf and np.signbit(found[5]) and not np.signbit(found[4])
    payload = np.array([0x7FFFFFFF, 0xFFFFFFFF, 0x7F800001], np.uint32).view(np.float32)
    assert np.isnan(rounded(payload)).all()


def matrices() -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Ordinary numbers, of many sizes, and rows whose sums nearly cancel."""
    rng = np.random.default_rng(11)
    made = []
    for rows, columns in ((1, 1), (3, 15), (40, 16), (33, 17), (20, 1024), (9, 4864)):
        w, x = rng.standard_normal((rows, columns)), rng.standard_normal(columns)
        scales = np.exp2(rng.integers(-20, 20, columns))
        cancelling = np.concatenate([w, -w * (1 + 2.0**-12)], axis=1)
        made += [(w, x), (w * scales, x), (cancelling, np.concatenate([x, x]))]
    return [(w.astype(np.float32), x.astype(np.float32)) for w, x in made]


@pytest.mark.parametrize("case", matrices(), ids=lambda case: str(case[0].shape))
def test_products_are_within_the_stated_bound_of_float64(
    case: tuple[NDArray[np.float32], NDArray[np.float32]],
) -> None:
    """float64 sums err by at most 2e-12 of the sizes here, far below the bound."""
    weights, vector = case
    w, x = rounded(weights), rounded(vector)
    made = product(w, x).astype(np.float64)
    for of, (a, b) in {False: (w, x), True: (weights, vector)}.items():
        exact = a.astype(np.float64) @ b.astype(np.float64)
        bound = error_bound(a, b, operands=of)
        assert (np.abs(made - exact) <= bound).all()
        assert (bound > 0).all()


def test_the_bound_is_not_idle() -> None:
    """Sums that do not cancel come within a third of it: it is no multiple of the truth."""
    rng = np.random.default_rng(2)
    w, x = (rounded(rng.uniform(1, 2, size)) for size in ((4000, 64), 64))
    away = np.abs(product(w, x) - w.astype(np.float64) @ x.astype(np.float64))
    assert (away / error_bound(w, x, operands=False)).max() > 0.33


def test_sums_are_those_of_the_tree_and_not_of_another_order() -> None:
    """1 and 2^-24 in pairs: lost one by one, kept where the small ones meet first."""
    row = np.array([1.0, 0, 0, 0, *[2.0**-24] * 12], np.float32)
    one_by_one = np.float32(0)
    for value in row:
        one_by_one += value
    tree = np.float32(1) + np.float32(12 * 2.0**-24)
    assert one_by_one == 1 and tree > 1
    # the difference shows after subtracting what BF16 would hide
    minus_one = np.zeros(16, np.float32)
    minus_one[0] = -1
    made = product(np.concatenate([row, minus_one])[None], np.ones(32, np.float32))
    assert made[0] == tree - np.float32(1)


def test_padding_adds_nothing() -> None:
    rng = np.random.default_rng(4)
    w, x = rounded(rng.standard_normal((5, 21))), rounded(rng.standard_normal(21))
    wide = np.pad(w, ((0, 0), (0, 11)))
    assert (product(w, x) == product(wide, np.pad(x, (0, 11)))).all()
    assert UNIT == 2.0**-8
