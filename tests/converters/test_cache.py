"""Keys and values in 8 bits: what is held, what it costs, and who can read it."""

import json
from pathlib import Path

import numpy as np
import pytest

from differences import rms
from ondol import registry
from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceUnavailable, OptionError
from ondol.plan import Plan
from ondol_converters.conversion import convert
from ondol_converters.quantise.cache import _radius
from ondol_converters.recipe import Options, Weights
from ondol_runtimes import _ort
from ondol_runtimes.null import predicted_bytes_per_token
from ondol_runtimes.reference import ReferenceRuntime
from tiny_models import CONTEXT, MODELS, NAMES, expected

# Random models are far more sensitive than trained ones: 0.03 seen. Wrong scales give 0.5.
EIGHT_BITS = 0.08
# The kernel rounds like the oracle, so only an integer at the border of two can differ.
SAME = 0.01


def packed(name: str, folder: Path, weights: Weights = "float32") -> Bundle:
    options = Options(weights=weights, context=CONTEXT, kv_cache="int8")
    return convert(MODELS / name, folder, options=options).bundle


@pytest.mark.parametrize("integer", [True, False], ids=["decoder", "stages"])
@pytest.mark.parametrize("name", NAMES)
def test_a_cache_in_8_bits_stays_near_float32(name: str, integer: bool, tmp_path: Path) -> None:
    known, bundle = expected(name), packed(name, tmp_path / "bundle")
    assert bundle.decoder.cache == "int8" and bundle.manifest.recipe.calibration
    with registry.runtime("cpu").open(bundle, Plan(CONTEXT, 1, integer, False)) as session:
        session.append(known.ids[:-8])
        steps = np.stack([session.append([token]).copy() for token in known.ids[-8:]])
        assert 0 < rms(steps, known.prefill[-8:]) <= EIGHT_BITS
        session.rewind(20)
        assert rms(session.append_all(known.ids[20:]), known.prefill[20:]) <= EIGHT_BITS
    with ReferenceRuntime().open(bundle, Plan(CONTEXT, 1, True, False)) as oracle:
        oracle.append(known.ids[:-8])
        wanted = np.stack([oracle.append([token]).copy() for token in known.ids[-8:]])
    assert rms(steps, wanted) <= SAME


def test_the_cache_takes_a_quarter(tmp_path: Path) -> None:
    bundle = packed("qwen3", tmp_path / "bundle")
    plain = convert(MODELS / "qwen3", tmp_path / "plain", options=Options(weights="float32")).bundle
    grown = [
        predicted_bytes_per_token(b, 100) - predicted_bytes_per_token(b) for b in (bundle, plain)
    ]
    assert grown[0] * 4 == grown[1]


def test_the_manifest_and_the_graph_agree(tmp_path: Path) -> None:
    bundle = packed("qwen2", tmp_path / "bundle")
    bundle.verify()
    text = (bundle.path / "manifest.json").read_text()
    (bundle.path / "manifest.json").write_text(
        text.replace('"cache": "int8"', '"cache": "float32"')
    )
    lying = Bundle.open(bundle.path)
    with pytest.raises(CorruptBundle, match="manifest"):
        registry.runtime("cpu").open(lying, Plan(CONTEXT, 1, True, False))
    data = json.loads(text)
    data["model"]["cache"] = "int3"
    (bundle.path / "manifest.json").write_text(json.dumps(data))
    with pytest.raises(CorruptBundle, match="cache"):
        Bundle.open(bundle.path)


def test_an_older_onnxruntime_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = packed("qwen2", tmp_path / "bundle")
    monkeypatch.setattr(_ort, "INT8_CACHE_FROM", (99, 0))
    with pytest.raises(DeviceUnavailable, match="8 bits") as caught:
        registry.runtime("cpu").open(bundle, Plan(CONTEXT, 1, True, False))
    assert "pip install" in caught.value.fix


def test_a_radius_is_the_same_at_both_places_of_a_pair() -> None:
    keys = np.array([[[3.0, 0.0, 4.0, 1.0]]], np.float32)
    assert _radius(keys, False).tolist() == [[[5.0, 1.0, 5.0, 1.0]]]
    assert _radius(keys, True) == pytest.approx(np.array([[[3.0, 3.0, 17**0.5, 17**0.5]]]))


def test_no_other_cache_can_be_meant() -> None:
    with pytest.raises(OptionError, match="kv_cache"):
        Options(kv_cache="int4")  # type: ignore[arg-type]
