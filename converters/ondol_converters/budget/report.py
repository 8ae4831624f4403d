"""What a budget's search found, as it is kept beside a bundle and shown to people."""

from dataclasses import dataclass

from ondol_converters.budget.search import Found, Trial


@dataclass(frozen=True, slots=True)
class TrialReport:
    """A bundle that was made and scored on the tuning text.

    `loss` is relative to the source's bits per character; `bytes` are the whole bundle's,
    `decode_rate` tokens per second as measured once; `bits_per_weight` counts values only.
    """

    bytes: int
    bits_per_character: float
    loss: float
    predicted_loss: float
    decode_rate: float
    matrices: tuple[tuple[str, int, int, str], ...]

    @classmethod
    def of(cls, trial: Trial) -> "TrialReport":
        """From a trial."""
        return cls(
            bytes=trial.scored.bytes,
            bits_per_character=trial.scored.bits_per_character,
            loss=trial.loss,
            predicted_loss=trial.predicted,
            decode_rate=trial.scored.decode_rate,
            matrices=tuple(
                (name, layout.bits, layout.block, layout.method)
                for name, layout in trial.layouts.items()
            ),
        )


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """The budget, the source's bits per character, every trial, and which one was kept."""

    budget: float
    source_bits_per_character: float
    trials: tuple[TrialReport, ...]
    chosen: int | None

    @classmethod
    def of(cls, found: Found) -> "BudgetReport":
        """From a finished search."""
        trials = tuple(map(TrialReport.of, found.trials))
        return cls(found.budget, found.source_bits, trials, found.chosen)
