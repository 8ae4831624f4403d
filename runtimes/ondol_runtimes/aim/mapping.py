"""How a matrix lies in the banks, and the instructions that multiply it by a vector.

An output is one bank's work: output `o` lies in bank `o % 16` of channel `o // 16 % channels`,
in the group `o // (16 x channels)`. A group's rows are cut into tiles of at most 1024 values, as
many as the global buffer and a DRAM row hold; each (group, tile) has a DRAM row of its own, the
same in every bank. A tile of fewer values leaves the rest of its row unused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ondol.errors import OptionError
from ondol.language import say
from ondol_runtimes.aim.geometry import GEOMETRY, MOST_CHANNELS


class Operation(StrEnum):
    """What a channel is told, by the names of the simulator's traces."""

    WR_GB = "WR_GB"
    WR_BIAS = "WR_BIAS"
    MAC_ABK = "MAC_ABK"
    RD_MAC = "RD_MAC"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction for every channel of `mask`; `size` columns, in `row` where it has one."""

    operation: Operation
    size: int
    mask: int
    row: int = 0


@dataclass(frozen=True, slots=True)
class Gemv:
    """A matrix of `rows` x `columns` values times a vector of `columns`, on some channels.

    Raises:
        OptionError: if a size is below one, the channels are not 1 to 32, or the matrix does
            not fit them.
    """

    rows: int
    columns: int
    channels: int

    def __post_init__(self) -> None:
        check_channels(self.channels)
        if self.rows < 1 or self.columns < 1:
            raise OptionError(
                say(
                    f"A matrix of {self.rows} x {self.columns} is none.",
                    f"{self.rows} x {self.columns} 크기의 행렬은 없습니다.",
                ),
                say("Both sizes begin at 1.", "두 크기 모두 1부터입니다."),
                "--gemv 1024x1024",
            )
        if self.bank_rows > GEOMETRY.rows:
            raise OptionError(
                say(
                    f"{self.rows} x {self.columns} does not fit into {self.channels} simulated "
                    f"channel{'s' * (self.channels > 1)}.",
                    f"{self.rows} x {self.columns} 행렬이 모의 채널 {self.channels}개에 들어가지 "
                    "않습니다.",
                ),
                say(
                    f"It takes {self.bank_rows} rows of every bank, which has {GEOMETRY.rows}.",
                    f"뱅크마다 {self.bank_rows}행이 필요한데 {GEOMETRY.rows}행뿐입니다.",
                ),
                say(
                    f"Use more channels (at most {MOST_CHANNELS}) or a smaller matrix.",
                    f"채널을 늘리거나(최대 {MOST_CHANNELS}개) 행렬을 줄이세요.",
                ),
            )

    @property
    def groups(self) -> int:
        """How many times all banks are filled with outputs."""
        return -(-self.rows // (GEOMETRY.banks * self.channels))

    @property
    def tiles(self) -> tuple[int, ...]:
        """Columns of 16 values of each tile of a row."""
        columns = -(-self.columns // GEOMETRY.lanes)
        whole, rest = divmod(columns, GEOMETRY.columns)
        return (GEOMETRY.columns,) * whole + ((rest,) if rest else ())

    @property
    def bank_rows(self) -> int:
        """DRAM rows that the matrix takes in every bank."""
        return bank_rows(self.rows, self.columns, self.channels)

    @property
    def macs(self) -> int:
        """Multiplications that the product asks for."""
        return self.rows * self.columns

    @property
    def inside_bytes(self) -> int:
        """Weights that the banks read, with the padding of the last columns and groups."""
        outputs = self.groups * self.channels * GEOMETRY.banks
        return outputs * sum(self.tiles) * GEOMETRY.column_bytes

    @property
    def outside_bytes(self) -> int:
        """What the channels' buses carry: biases in, the vector into each channel, results out."""
        registers = 2 * self.groups
        loads = 1 if len(self.tiles) == 1 else self.groups
        vector = sum(self.tiles) * loads
        return (registers + vector) * self.channels * GEOMETRY.column_bytes


def bank_rows(rows: int, columns: int, channels: int) -> int:
    """DRAM rows of every bank that a matrix takes, whether or not there are so many."""
    groups = -(-rows // (GEOMETRY.banks * channels))
    return groups * -(-columns // GEOMETRY.row_values)


def check_channels(channels: int) -> None:
    """Raise OptionError for a number of channels that the memory cannot have."""
    if not 1 <= channels <= MOST_CHANNELS:
        raise OptionError(
            say(f"There cannot be {channels} channels.", f"채널이 {channels}개일 수 없습니다."),
            say(
                f"The simulated memory has 1 to {MOST_CHANNELS}.",
                f"모의 메모리에는 1개에서 {MOST_CHANNELS}개까지 있습니다.",
            ),
            "--channels 8",
        )


def instructions(gemv: Gemv) -> Iterator[Instruction]:
    """The product, instruction by instruction.

    Accumulators are set to zero, then every tile of the vector goes to the global buffers and is
    multiplied in all banks, then the accumulators are read. A vector of one tile stays in the
    buffers for all groups.
    """
    mask, tiles = (1 << gemv.channels) - 1, gemv.tiles
    for group in range(gemv.groups):
        yield Instruction(Operation.WR_BIAS, 1, mask)
        for at, size in enumerate(tiles):
            if group == 0 or len(tiles) > 1:
                yield Instruction(Operation.WR_GB, size, mask)
            yield Instruction(Operation.MAC_ABK, size, mask, group * len(tiles) + at)
        yield Instruction(Operation.RD_MAC, 1, mask)
