"""A product as a trace in the AiM simulator's text format.

One instruction a line, fields separated by spaces (the simulator's README, "Implemented ISRs").
The first registers of the controller (GPR, 16 values each) hold the vector; the next one is never
written and stands for biases of zero; results go behind it. CFR 0 = 1 lets the banks take their
second operand from the global buffer. The simulator keeps time, not data.
"""

from collections.abc import Iterator

from ondol_runtimes.aim.geometry import SOURCE
from ondol_runtimes.aim.mapping import Gemv, Instruction, Operation, instructions

END = "AiM EOC"


def lines(gemv: Gemv) -> Iterator[str]:
    """The trace's lines; the first say in comments what it is."""
    yield f"# simulated: y[{gemv.rows}] = W[{gemv.rows}, {gemv.columns}] x[{gemv.columns}], BF16"
    yield f"# {gemv.channels} channels of {SOURCE}"
    yield from prologue(gemv)
    columns = sum(gemv.tiles)
    vector, results = 0, columns + 1
    for said in instructions(gemv):
        registers = {
            Operation.WR_GB: vector,
            Operation.WR_BIAS: columns,
            Operation.RD_MAC: results,
        }
        yield line(said, registers.get(said.operation, 0))
        if said.operation is Operation.WR_GB:
            vector = (vector + said.size) % columns
        elif said.operation is Operation.RD_MAC:
            results += gemv.channels
    yield END


def prologue(gemv: Gemv) -> tuple[str, ...]:
    """What comes first: the vector into the registers, 16 values each, and the banks' operand."""
    return (*(f"W GPR {register}" for register in range(sum(gemv.tiles))), "W CFR 0 1")


def line(said: Instruction, register: int = 0) -> str:
    """One instruction in the simulator's words; `mask` bit 0 is its channel 31."""
    fields = {
        Operation.WR_GB: f"{said.size} {register} {said.mask:#x}",
        Operation.WR_BIAS: f"{register} {said.mask:#x}",
        Operation.MAC_ABK: f"{said.size} {said.mask:#x} {said.row}",
        Operation.RD_MAC: f"{register} {said.mask:#x}",
    }
    return f"AiM {said.operation} {fields[said.operation]}"
