"""The device `aim`: its words, its numbers beside the oracle's, and models too large for it."""

from collections.abc import Callable

import numpy as np
import pytest

from ondol import registry
from ondol.device import Silicon, State
from ondol.errors import DeviceUnavailable, OptionError
from ondol.plan import Plan
from ondol_runtimes._operators import Array
from ondol_runtimes.aim import runtime as aim
from ondol_runtimes.aim.bfloat16 import product, rounded
from ondol_runtimes.aim.geometry import GEOMETRY
from ondol_runtimes.aim.runtime import AimRuntime, in_banks
from ondol_runtimes.aim.workload import Matrix, placed, work_of
from ondol_runtimes.cpu import CpuRuntime
from ondol_runtimes.reference import ReferenceRuntime
from tiny_models import CONTEXT, Tiny, expected
from weights import starter_bundle

PLAN = Plan(CONTEXT, 1, True, False)


def test_the_probe_says_that_it_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    report = registry.runtime("aim").probe()
    assert report.available and report.silicon is Silicon.SIMULATOR
    assert report.device is not None and report.device.memory_bytes == 32 * GEOMETRY.channel_bytes
    assert "simulated" in report.reason and "simulated" in report.device.description
    monkeypatch.setenv("ONDOL_LANG", "ko")
    korean = AimRuntime(8).probe()
    assert korean.device is not None
    assert "모의" in korean.reason and "모의" in korean.device.description


def test_without_onnx_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    report = AimRuntime().probe()
    assert report.state is State.MISSING_SOFTWARE and "ondol[converters]" in report.fix


@pytest.mark.parametrize("channels", [0, -1, 33])
def test_channels_are_1_to_32(channels: int) -> None:
    with pytest.raises(OptionError, match="channels"):
        AimRuntime(channels)


@pytest.mark.parametrize("name", ["gemma3", "llama3", "qwen2", "qwen3", "exaone4"])
def test_decoding_is_near_the_oracle_and_not_the_same(name: str, tiny: Tiny) -> None:
    """Weights, vectors and results of 8 bits: a few parts in a hundred after all layers."""
    bundle, ids = tiny(name), expected(name).ids[:24]
    with ReferenceRuntime().open(bundle, PLAN) as oracle, AimRuntime().open(bundle, PLAN) as ours:
        for token in ids:
            wanted, found = oracle.append([token]), ours.append([token])
            away = np.abs(wanted - found).max() / np.abs(wanted).max()
            assert 0 < away < 0.06
            assert (rounded(found) == found).all()  # the head's results were read as BF16


def test_one_vector_goes_to_the_banks_and_many_stay_on_the_cpu() -> None:
    rng = np.random.default_rng(7)
    weights = rng.standard_normal((40, 50)).astype(np.float32)
    x = rng.standard_normal((1, 3, 50)).astype(np.float32)
    one = in_banks(x[:, :1], 40, lambda part: weights[part])
    assert one.shape == (1, 1, 40)
    assert (one[0, 0] == product(rounded(weights), rounded(x[0, 0]))).all()
    many = in_banks(x, 40, lambda part: weights[part])
    assert np.allclose(many, x @ rounded(weights).T, rtol=0, atol=1e-5)
    assert (rounded(many) != many).any()


def test_every_product_of_a_step_is_computed_in_the_banks(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, seen = tiny("gemma3"), list[int]()
    real = aim.in_banks

    def counted(x: Array, rows: int, expanded: Callable[[slice], Array]) -> Array:
        seen.append(rows)
        return real(x, rows, expanded)

    monkeypatch.setattr(aim, "in_banks", counted)
    with AimRuntime().open(bundle, PLAN) as session:
        session.append([1])
    assert seen == [matrix.rows for matrix in work_of(bundle).matrices]


def test_a_model_that_does_not_fit_is_refused_with_numbers(tiny: Tiny) -> None:
    large = tuple(Matrix(f"m{i}", 65536, 16384, 1) for i in range(4))
    assert len(placed(large, 16, "big")) == 4
    with pytest.raises(DeviceUnavailable) as caught:
        placed(large, 5, "big")
    assert "big" in caught.value.what and "simulated" in caught.value.what
    assert "52,480" in caught.value.why and "16,384" in caught.value.why
    assert caught.value.fix == "--channels 16"
    with pytest.raises(DeviceUnavailable, match="up to 32"):
        placed(large * 3, 8, "huge")


@pytest.mark.weights
def test_a_real_model_says_the_same_words() -> None:
    """Both round to 8 bits, each in its own way; the likeliest token stands out by more."""
    bundle, ids = starter_bundle("gemma"), [2, 1018, 532, 3333, 245]
    with CpuRuntime().open(bundle, PLAN) as cpu, AimRuntime(4).open(bundle, PLAN) as ours:
        wanted, found = cpu.append(ids), ours.append(ids)
        for _ in range(3):
            assert np.abs(wanted - found).max() <= 0.08 * np.abs(wanted).max()
            token = int(wanted.argmax())
            assert token == int(found.argmax())
            wanted, found = cpu.append([token]), ours.append([token])
