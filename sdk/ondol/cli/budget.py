"""What a budget bought, as `ondol convert` says it."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ondol.cli.facts import megabytes
from ondol.cli.output import show_table
from ondol.language import say


@dataclass(frozen=True, slots=True)
class TrialFacts:
    """A bundle that was made on the way; the loss is relative to the source."""

    size_bytes: int
    bits_per_character: float
    loss: float
    tokens_per_second: float


@dataclass(frozen=True, slots=True)
class LayoutFacts:
    """How many matrices of a kind are stored in some bits and blocks."""

    bits: int
    block: int
    method: str
    matrices: int


@dataclass(frozen=True, slots=True)
class KindFacts:
    """Matrices of one kind: their bytes, layouts, and share of the loss that is expected."""

    kind: str
    size_bytes: int
    layouts: tuple[LayoutFacts, ...]
    loss_share: float


@dataclass(frozen=True, slots=True)
class BudgetFacts:
    """A budget, what was chosen for it, and the files beside the bundle that say it all."""

    budget: float
    favor: str
    source_bits_per_character: float
    chosen: TrialFacts
    trials: tuple[TrialFacts, ...]
    kinds: tuple[KindFacts, ...]
    report: str
    chart: str


def budget_facts(found: Any, bundle: Path) -> BudgetFacts | None:
    """From an ondol_converters.budget.report.BudgetReport, which is saved beside a bundle.

    Raises:
        StorageError: if the disk refuses.
    """
    if found is None:
        return None
    report, chart = import_module("ondol_converters.budget.report").save(found, bundle)
    trials = tuple(
        TrialFacts(trial.bytes, trial.bits_per_character, trial.loss, trial.decode_rate)
        for trial in found.trials
    )
    return BudgetFacts(
        budget=found.budget,
        favor=found.favor,
        source_bits_per_character=found.source_bits_per_character,
        chosen=trials[found.chosen],
        trials=trials,
        kinds=_kinds(found.matrices),
        report=str(report),
        chart=str(chart),
    )


def _kinds(matrices: Any) -> tuple[KindFacts, ...]:
    size: Counter[str] = Counter()
    layouts: defaultdict[str, Counter[tuple[int, int, str]]] = defaultdict(Counter)
    lost: defaultdict[str, float] = defaultdict(float)
    for matrix in matrices:
        kind = matrix.name.rpartition(".")[2]
        taken = next(own for own in matrix.candidates if own.chosen)
        size[kind] += taken.bytes
        layouts[kind][taken.bits, taken.block, taken.method] += 1
        lost[kind] += taken.predicted_bits
    whole = sum(lost.values()) or 1.0
    return tuple(
        KindFacts(
            kind,
            size[kind],
            tuple(LayoutFacts(*key, matrices=n) for key, n in sorted(layouts[kind].items())),
            lost[kind] / whole,
        )
        for kind in size
    )


def budget_pairs(made: BudgetFacts | None) -> tuple[tuple[str, str], ...]:
    """What a budget bought, as names and values."""
    if made is None:
        return ()
    chosen = made.chosen
    return (
        (
            say("budget", "예산"),
            say(
                f"{made.budget:.2%}, spent {chosen.loss:+.2%} on the tuning text "
                f"({made.source_bits_per_character:.4f} → {chosen.bits_per_character:.4f} "
                "bits/char)",
                f"{made.budget:.2%} 가운데 조정용 글에서 {chosen.loss:+.2%} 사용 "
                f"(글자당 {made.source_bits_per_character:.4f} → "
                f"{chosen.bits_per_character:.4f}비트)",
            ),
        ),
        (say("chart", "그림"), made.chart),
        (say("candidates", "후보"), made.report),
    )


def show_kinds(made: BudgetFacts | None) -> None:
    """Where the bits went: a row for each kind of matrix."""
    if made is None:
        return
    headers = (
        say("matrices", "행렬"),
        say("size", "크기"),
        say("bits/block × matrices", "비트/블록 × 행렬"),
        say("expected loss", "예상 손실"),
    )
    rows = [
        (
            kind.kind,
            megabytes(kind.size_bytes),
            ", ".join(f"{each.bits}/{each.block} × {each.matrices}" for each in kind.layouts),
            f"{kind.loss_share:.0%}",
        )
        for kind in made.kinds
    ]
    show_table(headers, rows)
