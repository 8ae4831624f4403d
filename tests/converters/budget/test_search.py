"""The search with figures that are given: what it tries, keeps and says."""

from collections.abc import Mapping

import pytest

from ondol_converters.budget.candidates import Candidate
from ondol_converters.budget.search import (
    ENOUGH,
    MARGIN,
    TRIALS,
    Costs,
    Found,
    Scored,
    Search,
    Trial,
)
from ondol_converters.budget.sensitivity import Sensitivity
from ondol_converters.recipe import Favor, Layout

FINE, COARSE = Layout(8, 32, "search"), Layout(4, 32, "gptq")
NAMES = tuple("abcdefghij")
SOURCE_BITS, CHARACTERS = 2.0, 2.0
FLOOR = 0.002  # relative loss of the finest choice


def costs(favor: Favor = "size") -> Costs:
    """Ten matrices: from a to j a coarse one loses more, and is the faster."""
    candidates = [
        Candidate(name, layout, size, error)
        for number, name in enumerate(NAMES, 1)
        for layout, size, error in ((FINE, 2000, 0.0), (COARSE, 1000, number * 1e-3))
    ]
    seconds = {(c.matrix, c.layout): 1e-4 / (1 + (c.layout == COARSE)) for c in candidates}
    return Costs(candidates, Sensitivity(dict.fromkeys(NAMES, 1.0)), seconds, favor)


def run(
    budget: float, wrong: float = 1.0, floor: float = FLOOR, flattered: float = 0.0
) -> tuple[Found, list[Trial]]:
    """A search where matrices cost `wrong` times what is expected of them.

    The text is `flattered` bits a character better than it should be.
    """
    known, seen = costs(), list[Trial]()

    def make(layouts: Mapping[str, Layout]) -> Scored:
        lost = wrong * known.of(layouts)[1] / CHARACTERS
        size, seconds = known.stored(layouts)
        bits = SOURCE_BITS * (1 + floor) + lost
        return Scored(size + 500, bits - flattered, lost * CHARACTERS, 1 / (seconds + 1e-3))

    search = Search(known, SOURCE_BITS, CHARACTERS, floor, budget, make, seen.append)
    found = search.run()
    assert list(found.trials) == seen and len(seen) <= TRIALS
    return found, seen


@pytest.mark.parametrize("wrong", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("budget", [aim / MARGIN for aim in (0.003, 0.005, 0.007)])
def test_what_is_kept_is_inside_and_the_smallest_of_those(budget: float, wrong: float) -> None:
    found, seen = run(budget, wrong)
    assert found.chosen is not None and found.best is seen[found.chosen]
    assert found.best.loss <= budget * MARGIN
    inside = [trial.scored.bytes for trial in seen if trial.loss <= budget * MARGIN]
    assert found.best.scored.bytes == min(inside) < seen[0].scored.bytes


def test_predictions_that_are_wrong_are_made_up_for() -> None:
    right, _ = run(0.008)
    for wrong in (0.4, 2.5):
        found, seen = run(0.008, wrong)
        # the same share of the budget is used in the end, whatever was expected
        assert len(seen) > 2 and found.best.loss == pytest.approx(right.best.loss, rel=0.45)


def test_ten_times_too_careful_still_uses_the_budget() -> None:
    budget = 0.008
    found, _ = run(budget, wrong=0.1)
    assert ENOUGH <= (found.best.loss - FLOOR) / (budget * MARGIN - FLOOR) <= 1


def test_all_coarse_where_all_of_it_fits() -> None:
    found, _ = run(0.5)
    assert set(found.best.layouts.values()) == {COARSE}


def test_a_budget_that_the_finest_breaks_is_not_met() -> None:
    found, seen = run(0.001)
    assert found.chosen is None and len(seen) == 1 and found.best is seen[0]
    assert found.best.loss == pytest.approx(FLOOR)


def test_between_what_is_aimed_at_and_the_budget_is_inside_still() -> None:
    found, _ = run(FLOOR * 1.05)
    assert found.chosen == 0


def test_predictions_run_from_the_finest_to_the_coarsest() -> None:
    found, seen = run(0.008)
    sizes = [each.bytes for each in found.predicted]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) > 5
    assert sizes[-1] == 10 * 1000 + 500 and sizes[0] <= seen[0].scored.bytes
    losses = [each.loss for each in found.predicted]
    assert losses == sorted(losses)
    # matrices cost what they were expected to, so what was predicted is what came
    assert losses[-1] == pytest.approx(FLOOR + sum(range(1, 11)) * 1e-3 / 4)
    rates = [each.decode_rate for each in found.predicted]
    assert rates == sorted(rates) and rates[-1] == pytest.approx(1 / (1e-3 + 10 * 5e-5))


def test_what_is_favoured_decides() -> None:
    slow = {**costs().seconds, ("a", COARSE): 1.0}  # the smaller one is far slower
    by_speed = Costs(costs().candidates, costs().sensitivity, slow, "speed")
    assert by_speed.layouts(1.0)["a"] == FINE
    assert costs("size").layouts(1.0)["a"] == COARSE


def test_a_text_that_flatters_is_not_believed() -> None:
    right, _ = run(0.008)
    found, _ = run(0.008, flattered=0.05)
    assert found.best.layouts == right.best.layouts
    assert found.best.loss == pytest.approx(right.best.loss)
    worse, _ = run(0.008, flattered=-0.004)
    assert worse.best.loss > worse.best.scored.divergence / (SOURCE_BITS * CHARACTERS) + FLOOR
    assert worse.best.scored.bytes > right.best.scored.bytes
