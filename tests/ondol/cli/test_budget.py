"""`ondol convert --budget`: the search as it goes, what it bought, and where it is kept."""

from pathlib import Path

import pytest

from command_line import Ondol
from ondol.evaluation.scoring import Score
from tiny_models import CONTEXT, MODELS

WORDS = ("convert", str(MODELS / "qwen2"), "--context", str(CONTEXT), "--budget")


@pytest.fixture(autouse=True)
def unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof beside a bundle has its own tests, and takes its time."""
    monkeypatch.setattr("ondol_converters.conversion.prove", lambda *_: None)


def test_a_budget_in_json(ondol: Ondol, tmp_path: Path) -> None:
    done = ondol(*WORDS, "20%", "--favor", "speed", "--out", str(tmp_path / "made"), "--json")
    found = done.json["budget"]
    assert (found["budget"], found["favor"]) == (0.2, "speed")
    assert found["chosen"] in found["trials"] and found["chosen"]["loss"] <= 0.2
    assert found["chosen"]["size_bytes"] == done.json["bundle"]["size_bytes"]
    assert sum(kind["loss_share"] for kind in found["kinds"]) == pytest.approx(1)
    counts = {k["kind"]: sum(each["matrices"] for each in k["layouts"]) for k in found["kinds"]}
    assert counts == {"qkv": 2, "o": 2, "gate_up": 2, "down": 2, "embedding": 1}
    assert Path(found["chart"]).read_text("utf-8").startswith("<svg")
    assert Path(found["report"]).parent == tmp_path


def test_a_budget_for_people(ondol: Ondol, tmp_path: Path) -> None:
    done = ondol(*WORDS, "20%", "--out", str(tmp_path / "made"))
    assert done.code == 0
    assert done.err.count("trial  size  bits/char  loss  tokens/s") == 1
    assert "Sensitivity of each matrix" in done.err
    for words in ("20.00%, spent", "made.budget.svg", "bits/block × matrices", "gate_up"):
        assert words in done.out


def test_a_budget_that_cannot_be_met(
    ondol: Ondol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # beside a source that is better than any bundle can be
    known = Score(80_000.0, 1000, 500, True)
    monkeypatch.setattr("ondol_converters.budget.spending._float_score", lambda *_: known)
    done = ondol(*WORDS, "1%", "--out", str(tmp_path / "made"))
    assert done.code == 3 and "inside a budget of 1.00%" in done.err
    assert "The best one loses" in done.err and "--budget" in done.err
    assert not list(tmp_path.glob("made*"))
