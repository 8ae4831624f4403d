"""Trials held against the unrounded model: nothing is lost where nothing was rounded."""

import math
from pathlib import Path

import numpy as np
import pytest

from float_weights import layer_chain
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol_converters.budget.yardstick import ROWS, Yardstick
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from tiny_models import CONTEXT, MODELS

WINDOWS = [[(7 * n) % 250 for n in range(ROWS + 6)], [3, 3, 4, 9, 77]]  # one is run in two parts


@pytest.fixture
def yardstick(tmp_path: Path) -> Yardstick:
    with layer_chain("gemma3", tmp_path) as chain:
        return Yardstick.of(chain, WINDOWS, tmp_path / "expected.bin")


def bundle(weights: str, folder: Path) -> Bundle:
    options = Options(weights, CONTEXT)  # type: ignore[arg-type]
    return convert(MODELS / "gemma3", folder / weights, options=options).bundle


def test_of_nothing_rounded_nothing_is_lost(yardstick: Yardstick, tmp_path: Path) -> None:
    with Engine.open(bundle("float32", tmp_path)) as engine:
        # float16 keeps a logarithm of -10 to 0.005, and the errors cancel
        assert yardstick.divergence(engine.session) < 1e-4


def test_it_is_the_divergence_of_every_position(yardstick: Yardstick, tmp_path: Path) -> None:
    rows = []
    for kind in ("float32", "int4"):
        with Engine.open(bundle(kind, tmp_path)) as engine:
            both = []
            for ids in WINDOWS:
                engine.session.rewind(0)
                both.append(engine.session.append_all(ids).astype(np.float64))
            logits = np.concatenate(both)
            rows.append(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))
            found = yardstick.divergence(engine.session)
    expected = (np.exp(rows[0]) * (rows[0] - rows[1])).sum(-1).mean() / math.log(2)
    assert found == pytest.approx(expected, rel=0.01) and expected > 0.01  # float16: 0.01 % seen
