"""Times of products: each layout runs on this machine's kernel, and gives a number."""

import math
from pathlib import Path

import pytest

from ondol_converters.budget import kernel_times
from ondol_converters.budget.candidates import LAYOUTS, NARROW
from ondol_converters.budget.kernel_times import Shape, seconds
from ondol_converters.recipe import Layout


@pytest.mark.parametrize("layout", [*LAYOUTS, *NARROW])
def test_every_layout_has_a_time(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernel_times, "TOTAL_BYTES", 1 << 20)
    found = seconds(Shape(64, 256), layout, tmp_path)
    assert 0 < found < math.inf
    assert not list(tmp_path.iterdir())
