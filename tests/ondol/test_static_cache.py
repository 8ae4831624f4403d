"""What a graph with a cache of fixed length is told of each token, by the definition."""

import numpy as np
import pytest

from ondol.static_cache import HIDDEN, IDS, POSITIONS, Step, is_mask, mask_name


@pytest.mark.parametrize("window", [0, 1, 3])
@pytest.mark.parametrize(("start", "count"), [(0, 4), (0, 2), (5, 4), (5, 1), (8, 2)])
def test_a_position_sees_what_was_before_it_in_its_window(
    start: int, count: int, window: int
) -> None:
    n, held, name = 4, 10, mask_name(window)
    step = Step(n, held, [name])
    step.take([7] * n, 0)  # nothing of an earlier step stays
    step.take(list(range(1, count + 1)), start)
    for row in range(n):
        for column in range(held + n):
            new = column - held
            at, there = (start + new, new < count) if new >= 0 else (column, column < start)
            own = start + row
            seen = there and at <= own and (not window or at > own - window)
            seen |= new == row  # what only fills up sees itself: a softmax of nothing is no number
            assert step.arrays[name][row, column] == (0 if seen else HIDDEN)
    assert step.arrays[IDS].tolist() == [*range(1, count + 1), *[0] * (n - count)]
    assert step.arrays[POSITIONS].tolist() == [min(start + i, held - 1) for i in range(n)]
    assert {array.dtype for array in (step.arrays[IDS], step.arrays[POSITIONS])} == {
        np.dtype(np.int32)
    }


def test_names_of_masks() -> None:
    assert [mask_name(0), mask_name(512)] == ["mask", "mask.512"]
    assert is_mask("mask") and is_mask("mask.512")
    wrong = ["mask.", "masked", "mask.x", "mask.-1", "mask.²", "mask.5\n", "mask." + "9" * 5000]
    assert not any(map(is_mask, wrong))
