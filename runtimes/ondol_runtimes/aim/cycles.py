"""Clock cycles of a product: one channel's controller, command by command, in order.

All channels of a product do the same at the same time, so one is enough. What is modelled: the
delays between commands, opening and closing rows, switching between register and bank commands,
one instruction decoded a cycle, the controller's queue, and that reading results holds back what
follows. Refresh is not: the simulator that this equals never refreshes a GDDR6 channel either.
"""

from collections import deque
from collections.abc import Iterable, Mapping

from ondol_runtimes.aim.geometry import TIMING, Timing
from ondol_runtimes.aim.mapping import Gemv, Instruction, Operation, instructions
from ondol_runtimes.aim.trace import prologue

OPEN, CLOSE, SWITCH = "ACT16", "PREA", "TMOD"
REGISTERS = frozenset({Operation.WR_GB, Operation.WR_BIAS, Operation.RD_MAC})
"""Instructions on registers; all others are on banks, and a switch lies between the two."""

END_CYCLES = 2
"""After the last result: the end is decoded, and is reported in the cycle after."""

Delays = Mapping[str, Mapping[str, int]]


def delays(timing: Timing) -> Delays:
    """Least cycles from one command to another, where there is a least."""
    t = timing
    gb, bias, mac, read = Operation.WR_GB, Operation.WR_BIAS, Operation.MAC_ABK, Operation.RD_MAC
    turn = t.nCLREG + t.nBL + t.nRTW + t.nWPRE
    write: dict[str, int] = {gb: max(t.nBL, t.nCCD), bias: max(t.nBL, t.nCCD)}
    everything = (gb, bias, mac, read, OPEN, CLOSE)
    return {
        gb: write | {read: t.nCWLGB + t.nBL + t.nWTRS},
        bias: write | {read: t.nCWLREG + t.nBL + max(t.nWTRS, t.nWTRL)},
        read: {read: max(t.nBL, t.nCCD), mac: t.nCCD, gb: turn - t.nCWLGB, bias: turn - t.nCWLREG},
        mac: {mac: t.nCCD, read: t.nCCD, CLOSE: t.nRTP},
        OPEN: {OPEN: t.nRC, CLOSE: t.nRAS, mac: t.nRCDRDMAC},
        CLOSE: {OPEN: t.nRP, CLOSE: t.nRP},
        SWITCH: dict.fromkeys(everything, t.nMODCH),
    }


class _Channel:
    """A channel and the controller before it. Times are ticks of the simulator's clock."""

    def __init__(self, timing: Timing) -> None:
        self._delays = delays(timing)
        self._step = timing.nCCD
        self._ready: dict[str, int] = {}
        self.now = 0
        self._row: int | None = None
        self._on_registers = False

    def run(self, said: Instruction, arrival: int) -> int:
        """When the first of an instruction's commands goes out; the others follow at once."""
        self.now = max(self.now, arrival)
        while (needed := self._needed(said)) != said.operation:
            if self._issue(needed, said):
                self._row = said.row if needed == OPEN else None
        while not self._issue(said.operation, said):
            pass
        first = self.now - 1
        if said.size > 1:
            self.now = first + (said.size - 1) * self._step
            self._issue(said.operation, said)
        return first

    def _needed(self, said: Instruction) -> str:
        if said.operation in REGISTERS or self._row == said.row:
            return said.operation
        return OPEN if self._row is None else CLOSE

    def _issue(self, command: str, said: Instruction) -> bool:
        """Issue a command as soon as it may be; False if a switch had to go out in its place."""
        switching = (said.operation in REGISTERS) != self._on_registers
        at = max(self.now, self._ready.get(command, 0))
        if switching:
            self._on_registers = not self._on_registers
        issued = SWITCH if switching else command
        for following, delay in self._delays[issued].items():
            self._ready[following] = max(self._ready.get(following, 0), at + delay)
        self.now = at + 1
        return not switching


class _Queue:
    """When each of the last commands went out: what a full queue waits for."""

    def __init__(self, size: int, step: int) -> None:
        self._size, self._step = size, step
        self._runs: deque[tuple[int, int, int]] = deque()
        self._count = 0

    def add(self, first: int, count: int, decoded: int) -> int:
        """Note an instruction's commands; the tick in which the last of them was let in."""
        self._runs.append((self._count, first, count))
        self._count += count
        before = self._count - 1 - self._size
        if before < 0:
            return decoded
        while self._runs[0][0] + self._runs[0][2] <= before:
            self._runs.popleft()
        start, at, _ = self._runs[0]
        return max(decoded, at + (before - start) * self._step + 1)


def cycles(gemv: Gemv, timing: Timing = TIMING) -> int:
    """Clock cycles from the first line of a product's trace until the simulator ends."""
    return cycles_of(instructions(gemv), len(prologue(gemv)), timing)


def cycles_of(said: Iterable[Instruction], before: int = 0, timing: Timing = TIMING) -> int:
    """Cycles of any instructions that end by reading or multiplying.

    Args:
        said: the instructions, for channels that all do the same.
        before: lines of the trace before the first that only write registers of the controller.
        timing: the memory's delays.
    """
    channel, queue = _Channel(timing), _Queue(timing.queue, timing.nCCD)
    decoding = before
    for each in said:
        first = channel.run(each, decoding)
        last_in = queue.add(first, each.size, decoding)
        if each.operation is Operation.RD_MAC:  # nothing is decoded until the host has it
            last_in = first + timing.nCLREG + timing.nBL
        decoding = last_in + 1
    return max(decoding, channel.now) + END_CYCLES
