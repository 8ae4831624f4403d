"""Strangers' JSON: what the manifest's own tests do not reach."""

from dataclasses import dataclass
from typing import Any

import pytest

from ondol.strict import build, load


@dataclass(frozen=True, slots=True)
class _Figures:
    loss: float
    count: int
    sure: bool


GOOD = {"loss": 0.5, "count": 3, "sure": True}


def test_floats_may_go_as_low_as_said() -> None:
    assert build(_Figures, GOOD | {"loss": -0.5}, "x", least=-1.0).loss == -0.5
    assert build(_Figures, GOOD | {"loss": 2}, "x") == _Figures(2.0, 3, True)
    with pytest.raises(ValueError, match=r"x.loss: out of range"):
        build(_Figures, GOOD | {"loss": -0.5}, "x")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", float("nan")),
        ("loss", float("inf")),
        ("loss", 10**400),
        ("loss", -(10**400)),
        ("loss", True),
        ("count", -1),
        ("count", 1.0),
        ("count", True),
        ("count", 1 << 62),
        ("sure", 1),
        ("sure", None),
    ],
)
def test_what_is_no_figure_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"x.{name}"):
        build(_Figures, GOOD | {name: value}, "x", least=-1.0)


def test_text_beyond_the_limit_is_not_parsed() -> None:
    assert load(b"[1]", 3) == [1]
    with pytest.raises(ValueError, match="4 > 3 bytes"):
        load(b"[12]", 3)
