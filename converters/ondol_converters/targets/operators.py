"""What a target takes: its operator table, read from the target's file.

    source = "who says so: versions, and what was tried"   # before the first table

    [[operator]]                  # a row for each operator of the target and kind of tensor
    name = "FULLY_CONNECTED"      # by the target's own name
    kinds = ["float32", "q4_0"]   # tensors that were tried; of weights where it has some
    state = "right"               # or fixed, refused (an error), wrong (in silence)
    onnx = ["com.microsoft::FusedMatMul"]   # what it serves in ONNX
    instead = "q8_0"              # where it is not used: what is
    note = "two axes come out whatever goes in"

    [[rewrite]]                   # what helps an ONNX operator that no row serves
    onnx = ["com.microsoft::GroupQueryAttention"]
    into = ["com.microsoft::FusedMatMul", "Softmax"]
    by = "--target one"           # the option that draws it so; "" where nothing here does
    note = ""                     # what serves where it is no operator

A target without operators has no table: nothing is known of it, and nothing is claimed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from ondol.strict import build
from ondol_converters.targets import table

STATES = ("right", "fixed", "refused", "wrong")
SERVING = ("right",)


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator of a target with tensors of some kinds, and how that went."""

    name: str
    kinds: tuple[str, ...]
    state: str
    onnx: tuple[str, ...] = ()
    instead: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What ONNX operators are drawn as where a target does not take them, and by which option."""

    onnx: tuple[str, ...]
    into: tuple[str, ...]
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Operators:
    """A target's operators, what rewrites help, and where both come from."""

    target: str
    source: str
    operators: tuple[Operator, ...]
    rewrites: tuple[Rewrite, ...]

    @property
    def taken(self) -> frozenset[str]:
        """The ONNX operators that the target computes, rightly."""
        return frozenset(
            name for each in self.operators if each.state in SERVING for name in each.onnx
        )

    @property
    def own(self) -> frozenset[str]:
        """The target's own operators that compute rightly."""
        return frozenset(each.name for each in self.operators if each.state in SERVING)

    def rewrite(self, operator: str) -> Rewrite | None:
        """What helps an ONNX operator, where something is known to."""
        return next((each for each in self.rewrites if operator in each.onnx), None)

    def note(self, operator: str) -> str:
        """What the table says of an operator that does not work; empty if nothing."""
        found = [
            f"{each.state}: {each.note}"
            for each in self.operators
            if each.state not in SERVING and operator in (each.name, *each.onnx)
        ]
        return "; ".join(found)


@cache
def operators(name: str) -> Operators | None:
    """The operator table of a target, one of `TARGETS`; None if it has none.

    Raises:
        ValueError: if the file's own table does not hold, naming the place.
    """
    read = table(name)
    rows = read.get("operator")
    if rows is None:
        return None
    made = Operators(
        name,
        str(read.get("source", "")),
        tuple(_row(Operator, row, f"{name}.toml operator[{i}]") for i, row in enumerate(rows)),
        tuple(
            _row(Rewrite, row, f"{name}.toml rewrite[{i}]")
            for i, row in enumerate(read.get("rewrite", ()))
        ),
    )
    wrong = [each.name for each in made.operators if each.state not in STATES]
    if wrong or not made.source:
        raise ValueError(f"{name}.toml: {wrong or 'source'}")
    return made


def _row(kind: Any, row: Mapping[str, Any], at: str) -> Any:
    defaults = {"note": ""} | ({"onnx": [], "instead": ""} if kind is Operator else {})
    return build(kind, {**defaults, **row}, at)
