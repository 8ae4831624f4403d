"""The search: predict, choose, make, score, and adjust until the loss is inside the budget.

What is predicted is only a guide: every trial is a bundle that was really written, opened and
scored with the kernels of this machine, on text that nothing was calibrated on.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ondol_converters.budget.candidates import Candidate, by_matrix
from ondol_converters.budget.knapsack import Choice, choose, least
from ondol_converters.budget.sensitivity import Sensitivity
from ondol_converters.recipe import Favor, Layout

MARGIN = 0.4
"""The share of the budget that is aimed at: another text, a law's, lost up to three times as much
as the one scored. Its own bits are fewer, and 1,500 characters scatter by a quarter per cent."""

ENOUGH = 0.9
"""A trial that uses this share of what is aimed at is not worth improving."""

TRIALS, GUESSES = 6, 24
"""How many bundles are made, and how many choices are looked at: the same one is made once."""

STEPS, FALL = 30, 0.75
"""How many choices are predicted, and the loss that each allows of the one after it."""

UNFAVOURED = 1e-3
"""What is not favoured still counts a little, so that of equals the better is taken."""

BANDWIDTH = 3e10
"""Bytes a second: what a byte of the file weighs beside a second of a product."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A bundle that was made: its bytes, bits per character on the tuning text, tokens a second.

    `divergence` is from what the same model predicts before it is rounded, in bits a token.
    """

    bytes: int
    bits_per_character: float
    divergence: float
    decode_rate: float


@dataclass(frozen=True, slots=True)
class Trial:
    """A bundle that was made and scored.

    `predicted` are the bits a token that its matrices were expected to cost. `loss` is its bits per
    character over the source's, less one, or what its divergence costs in the mean if that is more:
    a short text may flatter it.
    """

    layouts: Mapping[str, Layout]
    predicted: float
    scored: Scored
    loss: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """What a choice of layouts is expected to be: bytes, relative loss, tokens a second."""

    bytes: int
    loss: float
    decode_rate: float


@dataclass(frozen=True, slots=True)
class Costs:
    """What candidates cost: predicted bits a token, bytes, and the seconds of one product."""

    candidates: Sequence[Candidate]
    sensitivity: Sensitivity
    seconds: Mapping[tuple[str, Layout], float]
    favor: Favor

    def price(self, candidate: Candidate) -> float:
        """What is to be small, in seconds or in bytes as seconds."""
        speed = self.seconds[candidate.matrix, candidate.layout]
        size = candidate.bytes / BANDWIDTH
        first, second = (size, speed) if self.favor == "size" else (speed, size)
        return first + UNFAVOURED * second

    def layouts(self, allowed: float) -> dict[str, Layout]:
        """The cheapest choice with so many bits a token of loss, or the one that loses least."""
        matrices = by_matrix(self.candidates)
        choices = {
            name: [Choice(self.price(c), self.sensitivity.cost(c)) for c in own]
            for name, own in matrices.items()
        }
        taken = choose(choices, allowed) or least(choices)
        return {name: matrices[name][at].layout for name, at in taken.items()}

    def stored(self, layouts: Mapping[str, Layout]) -> tuple[int, float]:
        """The bytes and the seconds a token of a choice's matrices."""
        own = [c for c in self.candidates if layouts[c.matrix] == c.layout]
        seconds = sum(self.seconds[c.matrix, c.layout] for c in own)
        return sum(c.bytes for c in own), seconds

    def of(self, layouts: Mapping[str, Layout]) -> tuple[float, float]:
        """The price and the predicted bits a token of a choice."""
        own = [c for c in self.candidates if layouts[c.matrix] == c.layout]
        return sum(map(self.price, own)), sum(map(self.sensitivity.cost, own))


@dataclass(frozen=True, slots=True)
class Found:
    """A finished search: all trials in order, and which one is kept; None where none fits.

    `predicted` are choices between the finest and the cheapest, most of which were never made.
    """

    budget: float
    source_bits: float
    trials: tuple[Trial, ...]
    chosen: int | None
    costs: Costs
    predicted: tuple[Predicted, ...]

    @property
    def best(self) -> Trial:
        """The chosen trial, or the one that lost least."""
        if self.chosen is not None:
            return self.trials[self.chosen]
        return min(self.trials, key=lambda trial: trial.loss)


@dataclass(slots=True)
class Search:
    """A search for the cheapest bundle inside a budget.

    Args:
        costs: of all candidates.
        source_bits: bits per character of the dequantised source on the tuning text.
        characters: how many a token of that text has.
        unrounded: the relative loss before anything is rounded: of a cut vocabulary, of twins.
        budget: the relative loss allowed.
        make: makes the bundle of a choice of layouts, and scores it.
        watch: called with each trial.
    """

    costs: Costs
    source_bits: float
    characters: float
    unrounded: float
    budget: float
    make: Callable[[Mapping[str, Layout]], Scored]
    watch: Callable[[Trial], None]
    _trials: list[Trial] = field(default_factory=list)

    def run(self) -> Found:
        """Search; the trial that is kept is inside the budget, and the cheapest of those."""
        finest = self._try(self.costs.layouts(0.0))
        # What the finest layouts lose (the cut vocabulary, 8-bit activations) is spent already
        spare = self.budget * MARGIN - finest.loss
        allowed = spare * self.source_bits * self.characters
        low, high = 0.0, math.inf
        for _ in range(GUESSES if spare > 0 else 0):
            layouts = self.costs.layouts(finest.predicted + allowed)
            known = [trial for trial in self._trials if trial.layouts == layouts]
            if not known and len(self._trials) == TRIALS:
                break
            spent = (known or [self._try(layouts)])[0].loss - finest.loss
            if ENOUGH * spare <= spent <= spare:
                break
            low, high = (allowed, high) if spent <= spare else (low, allowed)
            # In proportion, or between what was too little and too much where that leads out
            allowed *= min(max(spare / spent, 0.25), 2.0) if spent > 0 else 2.0
            if not low < allowed < high:
                allowed = (low + high) / 2
        return Found(
            self.budget,
            self.source_bits,
            tuple(self._trials),
            self._cheapest(),
            self.costs,
            tuple(self._predicted(finest)),
        )

    def _predicted(self, finest: Trial) -> Iterator[Predicted]:
        """Choices of ever more loss, each told from what the finest one was measured to be."""
        bits = self.source_bits * self.characters
        start = self.costs.stored(finest.layouts)
        seen: list[dict[str, Layout]] = []
        most = self.costs.of(self.costs.layouts(math.inf))[1]
        for step in range(STEPS):
            layouts = self.costs.layouts(most * FALL ** (STEPS - 1 - step))
            if layouts in seen:
                continue
            seen.append(layouts)
            size, seconds = self.costs.stored(layouts)
            loss = finest.loss + (self.costs.of(layouts)[1] - finest.predicted) / bits
            token = 1 / finest.scored.decode_rate + seconds - start[1]
            rate = 1 / token if token > 0 else finest.scored.decode_rate
            yield Predicted(finest.scored.bytes + size - start[0], loss, rate)

    def _cheapest(self) -> int | None:
        losses = [trial.loss for trial in self._trials]
        inside = [at for at, loss in enumerate(losses) if loss <= self.budget * MARGIN]
        inside = inside or [at for at, loss in enumerate(losses) if loss <= self.budget]
        return min(inside, key=lambda at: self.costs.of(self._trials[at].layouts)[0], default=None)

    def _try(self, layouts: Mapping[str, Layout]) -> Trial:
        _, predicted = self.costs.of(layouts)
        scored = self.make(layouts)
        measured = scored.bits_per_character / self.source_bits - 1
        mean = self.unrounded + scored.divergence / (self.source_bits * self.characters)
        trial = Trial(layouts, predicted, scored, max(measured, mean))
        self._trials.append(trial)
        self.watch(trial)
        return trial
