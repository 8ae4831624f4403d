"""Weights in 16 bits: the numbers of the formats, the file's size, and what the CPU computes."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save_file

from ondol import registry
from ondol.bundle import Bundle
from ondol.errors import UnsupportedTensor
from ondol.plan import Plan
from ondol.runtime import Runtime
from ondol_converters.conversion import convert
from ondol_converters.quantise.blocks import dense
from ondol_converters.quantise.halves import halved
from ondol_converters.recipe import Options, Weights
from ondol_converters.sources import open_source
from ondol_runtimes.reference import ReferenceRuntime
from tiny_models import CONTEXT, MODELS, Tiny, expected

PLAN = Plan(CONTEXT, 1, True, False)
FORMS: tuple[Weights, ...] = ("float16", "bfloat16")


def logits(
    runtime: Runtime, bundle: Bundle, ids: list[int]
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    with runtime.open(bundle, PLAN) as session:
        return session.append_all(ids)


@given(st.lists(st.floats(-60000, 60000, width=32), min_size=1, max_size=50))
def test_bfloat16_is_the_nearest_of_the_two_neighbours(numbers: list[float]) -> None:
    values = np.array(numbers, np.float32)
    bits = halved(values, "bfloat16", "w")
    there = (bits.astype(np.uint32) << 16).view(np.float32)
    below = (values.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    above = ((values.view(np.uint32) & np.uint32(0xFFFF0000)) + np.uint32(0x10000)).view(np.float32)
    best = np.minimum(np.abs(values - below), np.abs(above - values))
    assert (np.abs(there - values) <= best).all()


def test_bfloat16_rounds_ties_to_even() -> None:
    ties = np.array([0x3F808000, 0x3F818000], np.uint32).view(np.float32)
    assert halved(ties, "bfloat16", "w").tolist() == [0x3F80, 0x3F82]


@pytest.mark.parametrize("name", ["gemma3", "llama3", "qwen2"])
def test_bfloat16_of_a_bfloat16_source_is_the_source(name: str, tiny: Tiny) -> None:
    bundle, known = tiny(name, "bfloat16"), expected(name)
    assert all(record.exact and record.bits == 16 for record in bundle.manifest.recipe.matrices)
    found = logits(registry.runtime("cpu"), bundle, known.ids)
    assert np.abs(found - known.prefill).max() <= 1e-4 * np.abs(known.prefill).max()


@pytest.mark.parametrize("form", FORMS)
def test_cpu_and_oracle_agree_on_halves(form: Weights, tiny: Tiny) -> None:
    bundle, ids = tiny("qwen3", form), expected("qwen3").ids[:20]
    oracle = logits(ReferenceRuntime(), bundle, ids)
    assert (
        np.abs(logits(registry.runtime("cpu"), bundle, ids) - oracle).max()
        <= 1e-4 * np.abs(oracle).max()
    )


@pytest.mark.parametrize("form", FORMS)
def test_halves_take_half_the_file_and_no_stages(form: Weights, tiny: Tiny) -> None:
    whole, half = tiny("qwen2_untied", "float32"), tiny("qwen2_untied", form)
    full, less = (
        sum(record.bytes for record in bundle.manifest.recipe.matrices) for bundle in (whole, half)
    )
    assert less * 2 == full
    variant = half.variant("cpu")
    assert variant is not None and variant.needs.precisions == (form,) and variant.prefill == ()
    assert {record.method for record in half.manifest.recipe.matrices} == {form}


def test_a_value_beyond_float16_is_named(tmp_path: Path) -> None:
    name = "model.layers.1.mlp.up_proj.weight"
    folder = tmp_path / "model"
    folder.mkdir()
    with open_source(MODELS / "qwen3") as source:
        tensors = {
            key: dense(source.read(key), info.kind, info.shape[-1]).reshape(info.shape)
            for key, info in source.tensors.items()
        }
    tensors[name].flat[3] = 7e4
    save_file(tensors, folder / "model.safetensors")
    for file in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (folder / file).write_bytes((MODELS / "qwen3" / file).read_bytes())
    with pytest.raises(UnsupportedTensor, match="float16 cannot hold") as caught:
        convert(folder, tmp_path / "out", options=Options(weights="float16", context=64))
    assert name in caught.value.what and "bfloat16" in caught.value.fix
    assert not (tmp_path / "out").exists()
    convert(folder, tmp_path / "out", options=Options(weights="bfloat16", context=64))
