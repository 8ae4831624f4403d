"""Memory of a cache: taken where it is written, and nowhere else."""

import sys

import numpy as np
import pytest

from ondol.memory import resident_bytes
from ondol_runtimes._pages import zeros

MIB = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is read from /proc")
def test_a_row_in_each_takes_no_more_than_its_pages() -> None:
    before = resident_bytes()
    caches = [zeros((4, 8192, 256), np.float32) for _ in range(4)]  # 32 MiB each
    for cache in caches:
        cache[:, :4] = 1
    assert resident_bytes() - before < 2 * MIB  # of 128 MiB; huge pages would take 32
    assert caches[0][0, :4].sum() == 4 * 256 and not caches[3][:, 4:8].any()


@pytest.mark.parametrize("shape", [(0,), (2, 0, 3), (3, 5)])
@pytest.mark.parametrize("kind", [np.int8, np.float32])
def test_they_are_zeros_to_write_in(shape: tuple[int, ...], kind: type[np.generic]) -> None:
    made = zeros(shape, kind)
    assert made.shape == shape and made.dtype == kind and not made.any()
    made[...] = 1
    assert made.flags.writeable and made.flags.c_contiguous and (made == 1).all()
