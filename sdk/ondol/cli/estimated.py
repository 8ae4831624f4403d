"""What a vendor's compiler predicts for one product, as a person or a program reads it."""

from dataclasses import dataclass
from importlib import import_module

from ondol.cli.output import note, show_json
from ondol.language import say

ESTIMATORS = {"furiosa": "ondol_runtimes.furiosa"}
"""Modules whose `estimate(rows, columns)` asks a compiler, by device."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Cycles that a compiler predicts for one token's product; `basis` says whose word it is."""

    device: str
    rows: int
    columns: int
    estimated_cycles: int
    basis: str


def show_estimate(device: str, rows: int, columns: int, *, json: bool) -> None:
    """Print a compiler's estimate of a product of [rows, columns] and one vector.

    Raises:
        DeviceUnavailable: if the compiler is missing, or fails.
    """
    cycles: int = import_module(ESTIMATORS[device]).estimate(rows, columns)
    basis = say(
        "The vendor's compiler estimates it; nothing was run on silicon.",
        "제조사 컴파일러의 추정이며 실제 칩에서 실행하지 않았습니다.",
    )
    if json:
        show_json(Estimate(device, rows, columns, cycles, basis))
        return
    print(
        say(
            f"{device}, estimated: {rows}x{columns} takes {cycles} cycles.",
            f"{device}(추정): {rows}x{columns}에 {cycles}사이클.",
        )
    )
    note(basis)
