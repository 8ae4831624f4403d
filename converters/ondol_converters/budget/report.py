"""What a budget's search found, as it is kept beside a bundle and shown to people."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ondol.files import write_whole
from ondol_converters.budget.candidates import by_matrix
from ondol_converters.budget.search import Costs, Found, Predicted, Trial
from ondol_converters.recipe import Layout

REPORT, CHART = "{}.budget.json", "{}.budget.svg"


@dataclass(frozen=True, slots=True)
class TrialReport:
    """A bundle that was made and scored on the tuning text.

    `loss` is relative to the source's bits per character, the larger of what was measured and what
    `divergence`, in bits a token, costs in the mean; `bytes` are the whole bundle's,
    `decode_rate` tokens per second as measured once; `predicted_bits` are those a token that its
    matrices were expected to cost. `matrices` are name, bits, block and method.
    """

    bytes: int
    bits_per_character: float
    divergence: float
    loss: float
    predicted_bits: float
    decode_rate: float
    matrices: tuple[tuple[str, int, int, str], ...]

    @classmethod
    def of(cls, trial: Trial) -> "TrialReport":
        """From a trial."""
        return cls(
            bytes=trial.scored.bytes,
            bits_per_character=trial.scored.bits_per_character,
            divergence=trial.scored.divergence,
            loss=trial.loss,
            predicted_bits=trial.predicted,
            decode_rate=trial.scored.decode_rate,
            matrices=tuple(
                (name, layout.bits, layout.block, layout.method)
                for name, layout in trial.layouts.items()
            ),
        )


@dataclass(frozen=True, slots=True)
class CandidateReport:
    """A way to store a matrix: its bytes, the bits a token it costs, the seconds of a product."""

    bits: int
    block: int
    method: str
    bytes: int
    predicted_bits: float
    seconds: float
    chosen: bool


@dataclass(frozen=True, slots=True)
class MatrixReport:
    """A matrix by our name, and every way to store it that there was to choose from."""

    name: str
    candidates: tuple[CandidateReport, ...]


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """The budget, the source's bits per character, and all that was to choose from.

    `trials` were made and scored, and `chosen` is the one that was kept; `predicted` are what
    more choices were expected to be.
    """

    budget: float
    favor: str
    source_bits_per_character: float
    trials: tuple[TrialReport, ...]
    chosen: int | None
    predicted: tuple[Predicted, ...]
    matrices: tuple[MatrixReport, ...]

    @classmethod
    def of(cls, found: Found) -> "BudgetReport":
        """From a finished search."""
        return cls(
            budget=found.budget,
            favor=found.costs.favor,
            source_bits_per_character=found.source_bits,
            trials=tuple(map(TrialReport.of, found.trials)),
            chosen=found.chosen,
            predicted=found.predicted,
            matrices=_matrices(found.costs, found.best.layouts),
        )


def _matrices(costs: Costs, chosen: Mapping[str, Layout]) -> tuple[MatrixReport, ...]:
    return tuple(
        MatrixReport(
            name,
            tuple(
                CandidateReport(
                    bits=own.layout.bits,
                    block=own.layout.block,
                    method=own.layout.method,
                    bytes=own.bytes,
                    predicted_bits=costs.sensitivity.cost(own),
                    seconds=costs.seconds[name, own.layout],
                    chosen=chosen[name] == own.layout,
                )
                for own in candidates
            ),
        )
        for name, candidates in by_matrix(costs.candidates).items()
    )


def save(report: BudgetReport, bundle: Path) -> tuple[Path, Path]:
    """Write a report and its chart beside a bundle's folder; the two files.

    Beside, not into it: times differ from run to run, and a bundle is the same for the same
    choice.

    Raises:
        StorageError: if the disk refuses.
    """
    from ondol_converters.budget.chart import chart

    data, drawn = (bundle.with_name(name.format(bundle.name)) for name in (REPORT, CHART))
    text = json.dumps(asdict(report), ensure_ascii=False, indent=1)
    write_whole(data, f"{text}\n".encode())
    write_whole(drawn, chart(report, bundle.name).encode())
    return data, drawn
