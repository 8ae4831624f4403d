"""The memory that is modelled: banks, rows, buses and timings, as data with their source.

Every number is that of the presets `GDDR6_AiM_org` and `GDDR6_AiM_timing` of the AiM simulator
(github.com/arkhadem/aim_simulator at 0f28a07, MIT; the simulator behind CENT, ASPLOS 2025).
They describe that simulator; nothing here was measured on silicon.
"""

from dataclasses import dataclass

SOURCE = "arkhadem/aim_simulator 0f28a07, GDDR6_AiM_org + GDDR6_AiM_timing"
"""Where the numbers are from, as it is printed beside every figure made of them."""

MOST_CHANNELS = 32


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes of one channel.

    A column is what one access moves, `lanes` values; a row is what a bank opens at once. The
    global buffer holds as many columns of the input vector as a row has.
    """

    banks: int = 16
    rows: int = 1 << 14
    columns: int = 64
    lanes: int = 16
    value_bytes: int = 2

    @property
    def column_bytes(self) -> int:
        """Bytes of one access."""
        return self.lanes * self.value_bytes

    @property
    def row_values(self) -> int:
        """Values in one row of one bank."""
        return self.columns * self.lanes

    @property
    def channel_bytes(self) -> int:
        """Bytes that one channel holds."""
        return self.banks * self.rows * self.row_values * self.value_bytes


@dataclass(frozen=True, slots=True)
class Timing:
    """Delays between commands in clock cycles, under the simulator's names; a cycle in ps.

    In a matrix-vector product nRAS, nRC, nRTP, nWTRS, nWTRL, nCWLGB and the queue never decide:
    another delay is always longer.
    """

    cycle_ps: int = 1000
    nRCDRDMAC: int = 56
    nRAS: int = 54
    nRP: int = 32
    nRTP: int = 12
    nRC: int = 89
    nCCD: int = 2
    nBL: int = 2
    nWTRS: int = 9
    nWTRL: int = 11
    nMODCH: int = 32
    nCLREG: int = 0
    nCWLREG: int = 1
    nCWLGB: int = 1
    nWPRE: int = 1
    nRTW: int = 3
    """What a read-to-write turn adds besides the latencies."""

    queue: int = 33
    """Commands that wait in a channel's controller before the next instruction is held back."""


GEOMETRY = Geometry()
TIMING = Timing()


def inside_bytes_per_second(channels: int) -> float:
    """What all banks together can feed their multipliers: one column each every `nCCD`."""
    per_cycle = channels * GEOMETRY.banks * GEOMETRY.column_bytes / TIMING.nCCD
    return per_cycle * 1e12 / TIMING.cycle_ps


def outside_bytes_per_second(channels: int) -> float:
    """What leaves the memory at most: one column of a channel every `nBL`."""
    return channels * GEOMETRY.column_bytes / TIMING.nBL * 1e12 / TIMING.cycle_ps


def peak_flops(channels: int) -> float:
    """Multiplications and additions a second, both counted, while every bank multiplies."""
    return inside_bytes_per_second(channels) / GEOMETRY.value_bytes * 2
