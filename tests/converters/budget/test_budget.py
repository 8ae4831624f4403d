"""Budgets end to end on a tiny model: spent, kept to, or refused with the best that was found."""

from pathlib import Path

import pytest

from ondol.bundle import Bundle
from ondol.errors import BudgetUnmet
from ondol.evaluation.scoring import Score
from ondol_converters.budget import spending
from ondol_converters.budget.search import MARGIN, Trial
from ondol_converters.conversion import convert
from ondol_converters.recipe import Favor, Options
from tiny_models import CONTEXT, MODELS

MODEL = MODELS / "qwen2"


def options(budget: float, favor: Favor = "size") -> Options:
    return Options(context=CONTEXT, budget=budget, favor=favor)


def test_a_budget_is_spent_and_kept_to(tmp_path: Path) -> None:
    trials: list[Trial] = []
    made = convert(MODEL, tmp_path / "bundle", options=options(0.2), watch=trials.append)
    report = made.budget
    assert report is not None and report.chosen is not None
    assert len(report.trials) == len(trials) > 1
    chosen = report.trials[report.chosen]
    assert chosen.loss <= 0.2
    bits = {layout[1] for layout in chosen.matrices}
    assert 4 in bits  # of 20 % something is spent
    stored = {record.bits for record in made.bundle.manifest.recipe.matrices}
    assert stored == bits and not (tmp_path / "bundle" / ".scratch").exists()
    proof = sum(e.size for e in made.bundle.manifest.files if e.path == "quality.json")
    assert made.bundle.decoder.cache == "int8"
    assert proof and made.bundle.size - proof == chosen.bytes
    made.bundle.verify()
    # Trials that lose more are smaller: the chosen one is the smallest of those that fit
    inside = [t.bytes for t in report.trials if t.loss <= 0.2 * MARGIN]
    assert chosen.bytes == min(inside or [chosen.bytes])


def test_a_budget_that_cannot_be_met_says_the_best(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Beside a source that is better than any bundle can be
    monkeypatch.setattr(spending, "_float_score", lambda *_: Score(500.0, 1000, 500, True))
    convert(MODEL, tmp_path / "bundle", options=Options(context=CONTEXT))
    before = Bundle.open(tmp_path / "bundle").manifest
    with pytest.raises(BudgetUnmet, match="budget of 1.00%") as caught:
        convert(MODEL, tmp_path / "bundle", options=options(0.01))
    assert "MB" in caught.value.why and "--budget" in caught.value.fix
    assert Bundle.open(tmp_path / "bundle").manifest == before


def test_rows_that_no_block_divides_are_left_as_they_are(tmp_path: Path) -> None:
    made = convert(MODELS / "qwen3", tmp_path / "bundle", options=options(0.5))
    assert made.budget is not None and made.budget.chosen is not None
    assert {m.block for m in made.bundle.manifest.recipe.matrices} <= {0, 16, 32, 64, 128}


@pytest.mark.parametrize("favor", ["size", "speed"])
def test_a_cut_vocabulary_counts_against_the_budget(favor: Favor, tmp_path: Path) -> None:
    settings = Options(context=CONTEXT, budget=0.9, favor=favor, vocabulary="ko-en")
    made = convert(MODEL, tmp_path / "bundle", options=settings)
    assert made.bundle.manifest.recipe.vocabulary == "ko-en"
    assert made.budget is not None and made.budget.source_bits_per_character > 0
