"""Where values lie, and what the instructions do with them."""

import random

import numpy as np
import pytest

from ondol.errors import OptionError
from ondol_runtimes.aim.geometry import GEOMETRY
from ondol_runtimes.aim.mapping import Gemv, Operation, bank_rows, instructions
from ondol_runtimes.aim.trace import lines

TINY = """\
W GPR 0
W GPR 1
W CFR 0 1
AiM WR_BIAS 2 0x1
AiM WR_GB 2 0 0x1
AiM MAC_ABK 2 0x1 0
AiM RD_MAC 3 0x1
AiM EOC
"""


def test_the_smallest_trace_reads_like_the_simulators() -> None:
    made = [line for line in lines(Gemv(16, 32, 1)) if not line.startswith("#")]
    assert "".join(f"{line}\n" for line in made) == TINY


def test_comments_say_that_it_is_simulated() -> None:
    comments = [line for line in lines(Gemv(5, 6, 7)) if line.startswith("#")]
    assert "simulated" in comments[0] and "W[5, 6]" in comments[0] and "7 channels" in comments[1]


def replayed(gemv: Gemv, weights: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """What the trace's text computes on banks that hold the matrix: integers, exactly."""
    lanes, banks, whole = GEOMETRY.lanes, GEOMETRY.banks, GEOMETRY.row_values
    channels = gemv.channels
    padded = np.zeros((gemv.groups * banks * channels, gemv.bank_rows * whole), np.int64)
    padded[: gemv.rows, : gemv.columns] = weights
    tiles = len(gemv.tiles)
    registers = np.zeros((sum(gemv.tiles) + 1, lanes), np.int64)
    registers.reshape(-1)[: gemv.columns] = vector
    buffer = np.zeros(whole, np.int64)
    sums = np.zeros((channels, banks), np.int64)
    made = []
    for line in lines(gemv):
        kind, *rest = line.split()
        if kind != "AiM" or rest == ["EOC"]:
            continue
        numbers = [int(word, 0) for word in rest[1:]]
        if rest[0] == "WR_BIAS":
            sums[:] = registers[numbers[0]]
        elif rest[0] == "WR_GB":
            size, first, _ = numbers
            buffer[: size * lanes] = registers[first : first + size].ravel()
        elif rest[0] == "MAC_ABK":
            size, _, row = numbers
            group, tile = divmod(row, tiles)
            outputs = padded[group * banks * channels :][: banks * channels]
            part = outputs[:, tile * whole :][:, : size * lanes]
            sums += (part @ buffer[: size * lanes]).reshape(channels, banks)
        else:
            made.append(sums.ravel().copy())
    return np.concatenate(made)[: gemv.rows]


@pytest.mark.parametrize(
    "shape", [(1, 1, 1), (17, 31, 1), (40, 1024, 2), (100, 1025, 3), (600, 2100, 32)], ids=str
)
def test_a_trace_computes_the_product(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(3)
    weights = rng.integers(-9, 9, shape[:2])
    vector = rng.integers(-9, 9, shape[1])
    assert (replayed(Gemv(*shape), weights, vector) == weights @ vector).all()


def test_rows_of_the_banks_are_used_once_and_are_those_asked_for() -> None:
    rng = random.Random(5)
    for _ in range(100):
        gemv = Gemv(rng.randint(1, 9999), rng.randint(1, 5000), rng.randint(1, 32))
        said = list(instructions(gemv))
        rows = [each.row for each in said if each.operation is Operation.MAC_ABK]
        assert rows == list(range(gemv.bank_rows))
        assert all(1 <= each.size <= GEOMETRY.columns for each in said)
        assert {each.mask for each in said} == {(1 << gemv.channels) - 1}


def test_bytes_inside_and_outside_are_those_of_the_instructions() -> None:
    for gemv in (Gemv(1, 1, 1), Gemv(700, 1024, 3), Gemv(700, 1025, 32)):
        sizes = {operation: 0 for operation in Operation}
        for each in instructions(gemv):
            sizes[each.operation] += each.size
        macs = sizes.pop(Operation.MAC_ABK)
        assert gemv.inside_bytes == macs * 32 * 16 * gemv.channels
        assert gemv.outside_bytes == sum(sizes.values()) * 32 * gemv.channels


def test_a_channel_holds_512_mebibytes() -> None:
    assert GEOMETRY.channel_bytes == 512 << 20
    full = Gemv(16 * 32 * 128, 128 * 1024, 32)
    assert full.bank_rows == GEOMETRY.rows == bank_rows(65536, 131072, 32)
    assert full.inside_bytes == 32 * GEOMETRY.channel_bytes


@pytest.mark.parametrize(
    ("shape", "word"),
    [
        ((0, 5, 1), "0 x 5"),
        ((5, -1, 1), "5 x -1"),
        ((5, 5, 0), "0 channels"),
        ((5, 5, 33), "33 channels"),
        ((65536, 131073, 32), "does not fit"),
        ((10**15, 10**15, 32), "does not fit"),
    ],
)
def test_what_cannot_be_placed_is_refused(shape: tuple[int, int, int], word: str) -> None:
    with pytest.raises(OptionError, match=word):
        Gemv(*shape)
