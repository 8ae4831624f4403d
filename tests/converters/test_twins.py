"""An embedding and an output matrix that are one: found, and kept once under a budget."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ondol_converters.conversion import convert
from ondol_converters.families import recognise
from ondol_converters.recipe import Options
from ondol_converters.sources import open_source
from ondol_converters.twins import tied
from tiny_models import CONTEXT, MODELS

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def folder(target: Path, noise: float) -> Path:
    """The untied tiny model with a head that is its embedding, but for so much of its size."""
    shutil.copytree(MODELS / "qwen2_untied", target)
    with open_source(target) as source:
        assert {info.kind for info in source.tensors.values()} == {"BF16"}
        wide = {
            name: (source.read(name).view("<u2").astype(np.uint32) << 16)
            .view(np.float32)
            .reshape(info.shape)
            for name, info in source.tensors.items()
        }
    random = np.random.default_rng(0).standard_normal(wide[EMBEDDING].shape)
    size = noise * float(np.std(wide[EMBEDDING]))
    wide[HEAD] = (wide[EMBEDDING] + size * random).astype(np.float32)
    save_file(wide, target / "model.safetensors")
    return target


@pytest.mark.parametrize(("noise", "twins"), [(0.04, True), (0.5, False)])
def test_roundings_of_one_matrix_are_twins(noise: float, twins: bool, tmp_path: Path) -> None:
    with open_source(folder(tmp_path / "model", noise)) as source:
        decoder, names = recognise(source)
        found, _ = tied(source, decoder, names)
    assert not decoder.tied and found.tied is twins


def test_matrices_trained_apart_are_none() -> None:
    with open_source(MODELS / "qwen2_untied") as source:
        decoder, names = recognise(source)
        assert tied(source, decoder, names) == (decoder, names)


def test_a_budget_keeps_twins_once(tmp_path: Path) -> None:
    model = folder(tmp_path / "model", 0.04)
    made = convert(model, tmp_path / "bundle", options=Options(context=CONTEXT, budget=0.5))
    stored = {record.name for record in made.bundle.manifest.recipe.matrices}
    assert len(stored & {EMBEDDING, HEAD}) == 1
    plain = convert(model, tmp_path / "plain", options=Options(context=CONTEXT))
    assert {record.name for record in plain.bundle.manifest.recipe.matrices} >= {EMBEDDING, HEAD}
