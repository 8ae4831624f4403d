"""What is kept beside a bundle: every candidate in JSON, and a chart of its own."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ondol_converters.budget.chart import CHOSEN, chart
from ondol_converters.budget.report import BudgetReport, save
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from tiny_models import CONTEXT, MODELS

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> BudgetReport:
    folder = tmp_path_factory.mktemp("budget") / "bundle"
    found = convert(MODELS / "qwen2", folder, options=Options(context=CONTEXT, budget=0.2)).budget
    assert found is not None
    return found


def test_every_candidate_is_there_and_one_of_each_is_chosen(report: BudgetReport) -> None:
    names = [matrix.name for matrix in report.matrices]
    assert len(names) == len(set(names)) == 9 and {"embedding", "layers.1.down"} <= set(names)
    chosen = {name: (bits, block) for name, bits, block, _ in report.trials[-1].matrices}
    for matrix in report.matrices:
        (taken,) = [own for own in matrix.candidates if own.chosen]
        assert report.chosen is not None
        best = {n: (bits, block) for n, bits, block, _ in report.trials[report.chosen].matrices}
        assert (taken.bits, taken.block) == best[matrix.name]
        assert len(matrix.candidates) > 1 and all(own.bytes > 0 for own in matrix.candidates)
        assert all(own.seconds > 0 for own in matrix.candidates)
        assert all(own.predicted_bits >= 0 for own in matrix.candidates)
    assert set(chosen) == set(names)


def test_the_chart_has_every_trial_twice(report: BudgetReport) -> None:
    root = ElementTree.fromstring(chart(report, "a<b>&'\""))
    circles = list(root.iter(f"{SVG}circle"))
    drawn = [circle for circle in circles if circle.get("r") == "5"]
    assert len(drawn) == 2 * len(report.trials)
    assert len([circle for circle in drawn if circle.get("fill") == CHOSEN]) == 2
    assert 2 < len(circles) - len(drawn) <= 2 * len(report.predicted)
    words = " ".join(text.text or "" for text in root.iter(f"{SVG}text"))
    assert "a<b>&'\"" in words and "budget 20.00%" in words and "chosen" in words


def test_files_are_beside_the_bundle(report: BudgetReport, tmp_path: Path) -> None:
    data, drawn = save(report, tmp_path / "small")
    assert (data.name, drawn.name) == ("small.budget.json", "small.budget.svg")
    assert json.loads(data.read_text("utf-8"))["trials"][0]["loss"] == report.trials[0].loss
    ElementTree.parse(drawn)
    assert not list((tmp_path).glob("small"))
