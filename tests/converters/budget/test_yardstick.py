"""Trials held against the unrounded model: nothing is lost where nothing was rounded."""

import math
from pathlib import Path

import numpy as np
import pytest

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol_converters.budget.chain import LayerChain
from ondol_converters.budget.yardstick import Yardstick
from ondol_converters.conversion import convert
from ondol_converters.families import recognise
from ondol_converters.graph.weights import WeightsFile
from ondol_converters.pack import Packer
from ondol_converters.recipe import Options
from ondol_converters.sources import open_source
from tiny_models import CONTEXT, MODELS

WINDOWS = [[1, 5, 9, 2, 7], [3, 3, 4]]


@pytest.fixture
def yardstick(tmp_path: Path) -> Yardstick:
    with open_source(MODELS / "gemma3") as source:
        decoder, names = recognise(source)
        with WeightsFile(tmp_path / "float32.bin") as file:
            options = Options(weights="float32", context=CONTEXT)
            packer = Packer(source, names, decoder, options, file, CONTEXT, lambda *_: None)
            weights = packer.weights()
            file.finish()
    (tmp_path / "chain").mkdir()
    with LayerChain(decoder, weights, tmp_path / "float32.bin", tmp_path / "chain") as chain:
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
    for kind in ("float32", "int8"):
        with Engine.open(bundle(kind, tmp_path)) as engine:
            both = []
            for ids in WINDOWS:
                engine.session.rewind(0)
                both.append(engine.session.append_all(ids).astype(np.float64))
            logits = np.concatenate(both)
            rows.append(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))
            found = yardstick.divergence(engine.session)
    expected = (np.exp(rows[0]) * (rows[0] - rows[1])).sum(-1).mean() / math.log(2)
    assert found == pytest.approx(expected, rel=0.05, abs=1e-4) and expected > 0
