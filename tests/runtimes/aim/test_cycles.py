"""The cycle model against the AiM simulator's own numbers, of which none may differ by one."""

import json
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path

import pytest

from ondol_runtimes.aim.cycles import cycles, cycles_of
from ondol_runtimes.aim.geometry import (
    TIMING,
    inside_bytes_per_second,
    outside_bytes_per_second,
    peak_flops,
)
from ondol_runtimes.aim.mapping import Gemv, Instruction, Operation

FIXTURES = Path(__file__).parents[2] / "fixtures"
SIMULATED: list[list[int]] = json.loads((FIXTURES / "aim_cycles.json").read_text("ascii"))

PUBLISHED = {
    (16, 32, 1): 169,
    (16, 1024, 1): 479,
    (512, 256, 32): 239,
    (512, 1024, 32): 479,
    (768, 768, 32): 653,
    (1024, 1024, 32): 765,
    (3072, 768, 32): 1669,
    (4096, 4096, 32): 13313,
}
"""Noted once from another build of the simulator, before the fixture was made."""


def test_the_fixture_is_wide() -> None:
    assert len(SIMULATED) >= 200
    assert {channels for _, _, channels, _ in SIMULATED} >= {1, 2, 3, 4, 8, 16, 31, 32}


def test_every_product_takes_the_simulators_cycles() -> None:
    wrong = [row for row in SIMULATED if cycles(Gemv(*row[:3])) != row[3]]
    assert wrong == []


@pytest.mark.parametrize("shape", PUBLISHED, ids=str)
def test_another_build_said_the_same(shape: tuple[int, int, int]) -> None:
    assert cycles(Gemv(*shape)) == PUBLISHED[shape]


IDLE = {"nRAS", "nRC", "nRTP", "nWTRS", "nWTRL", "nCWLGB", "queue", "cycle_ps"}
"""Those that decide nothing in a product, and the clock."""


@pytest.mark.parametrize("delay", [field.name for field in fields(TIMING)])
def test_the_fixture_would_notice_a_wrong_delay(delay: str) -> None:
    changed = replace(TIMING, **{delay: getattr(TIMING, delay) + 1})
    noticed = [row for row in SIMULATED[::9] if cycles(Gemv(*row[:3]), changed) != row[3]]
    assert bool(noticed) == (delay not in IDLE)


def test_rows_without_a_new_vector_take_226_cycles_each() -> None:
    """The simulator's own micro benchmark: 1024 full rows one after another."""
    said = [Instruction(Operation.MAC_ABK, 64, 0xFFFFFFFF, row) for row in range(1024)]
    assert cycles_of(said) == 1023 * 226 + 185


def test_more_work_never_takes_less() -> None:
    for sizes in (range(1, 40), range(1000, 1100, 7)):
        by_rows = [cycles(Gemv(rows, 500, 1)) for rows in sizes]
        by_columns = [cycles(Gemv(40, columns, 2)) for columns in sizes]
        for taken in (by_rows, by_columns):
            assert all(one <= two for one, two in pairwise(taken))
    assert cycles(Gemv(4096, 64, 32)) < cycles(Gemv(4096, 64, 16)) < cycles(Gemv(4096, 64, 8))


def test_the_roofs_are_the_vendors_figures_for_two_channels() -> None:
    """A chip of two channels: 512 GB/s inside and 32 GB/s outside (Hot Chips 2023 and 2024)."""
    assert inside_bytes_per_second(2) == 512e9 and outside_bytes_per_second(2) == 32e9
    assert peak_flops(32) == 8192e9  # one multiplication and addition for two bytes


def test_no_product_is_faster_than_the_banks() -> None:
    for rows, columns, channels, taken in SIMULATED:
        product = Gemv(rows, columns, channels)
        assert product.inside_bytes / (taken * 1e-9) <= inside_bytes_per_second(channels)
