"""What is said of a bundle: counted by hand on a tiny model, and on figures that add up."""

from collections.abc import Callable
from dataclasses import asdict

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceUnavailable, OndolError, OptionError
from ondol.plan import Plan
from ondol_converters.recipe import Weights
from ondol_runtimes._operators import Array, products
from ondol_runtimes._program import KNOWN
from ondol_runtimes.aim import workload
from ondol_runtimes.aim.cycles import cycles
from ondol_runtimes.aim.geometry import Geometry
from ondol_runtimes.aim.mapping import Gemv
from ondol_runtimes.aim.report import of_decode, of_product
from ondol_runtimes.aim.runtime import in_banks
from ondol_runtimes.aim.workload import work_of
from ondol_runtimes.reference import ReferenceDecoder
from tiny_models import Tiny


def test_a_product_is_the_models_cycles_and_its_rates() -> None:
    made = of_product(4096, 4096, 32)
    assert made.cycles == 13313 and made.seconds == pytest.approx(13.313e-6)
    assert made.flops_per_second == pytest.approx(2 * 4096 * 4096 / 13.313e-6)
    assert made.roof_share == pytest.approx(0.3077, abs=1e-4)  # 2520 of 8192 GB/s
    assert made.outside_seconds == pytest.approx(4096 * 4096 * 2 / 512e9)
    assert made.simulated and "simulated" in made.device


@pytest.mark.parametrize("name", ["gemma3", "qwen2", "qwen2_untied", "gpt2", "exaone4"])
@pytest.mark.parametrize("weights", ["auto", "float32"])
def test_matrices_are_those_that_decoding_multiplies(
    name: str, weights: Weights, tiny: Tiny
) -> None:
    bundle, seen = tiny(name, weights), list[tuple[int, int]]()

    def noted(x: Array, rows: int, expanded: Callable[[slice], Array]) -> Array:
        seen.append((rows, x.shape[-1]))
        return in_banks(x, rows, expanded)

    operators = {**KNOWN, **products(noted)}
    with ReferenceDecoder(bundle, Plan(8, 1, True, False), "float32", operators) as session:
        session.append([1])
    work, model = work_of(bundle), bundle.decoder
    assert seen == [(matrix.rows, matrix.columns) for matrix in work.matrices]
    heads = [matrix.rows for matrix in work.matrices if matrix.name.startswith("head")]
    assert sum(heads) == model.vocabulary and len(work.heads_by_window) == model.layers
    per_weight = {"auto": 2, "float32": 4}[weights]
    macs = sum(rows * columns for rows, columns in seen)
    assert macs <= sum(matrix.stored_bytes for matrix in work.matrices) <= 1.1 * per_weight * macs
    assert work.norm_bytes > 0 and work.lookup_bytes > 0


def test_attention_looks_back_on_its_window_or_on_all(tiny: Tiny) -> None:
    """gemma3: 7 layers, of which every sixth sees everything; 4 heads over 1 of 32."""
    bundle = tiny("gemma3")
    work, model = work_of(bundle), tiny("gemma3").decoder
    heads = {each for each, _ in work.heads_by_window}
    windows = [window for _, window in work.heads_by_window]
    assert len(windows) == model.layers == 7 and len(heads) == 1 and 0 in windows
    window = max(windows)
    assert window > 0
    near = [window or 100 for window in windows]
    assert work.attention_macs(model.head_dim, 100) == 2 * model.head_dim * heads.pop() * sum(
        min(100, each) for each in near
    )
    assert work.cache_bytes(8, 2) == 8 * 2 * 7


@pytest.mark.parametrize("channels", [1, 8, 32])
def test_a_decode_adds_up(channels: int, tiny: Tiny) -> None:
    bundle = tiny("llama3")
    made, work = of_decode(bundle, channels), work_of(bundle)
    products = [Gemv(m.rows, m.columns, channels) for m in work.matrices]
    assert made.cycles == sum(map(cycles, products))
    assert made.cycles == sum(step.cycles * step.matrices for step in made.steps)
    assert made.tokens_per_second == pytest.approx(1e9 / made.cycles)
    assert made.tokens_per_second <= made.roof_tokens_per_second
    assert made.weight_bytes == 2 * sum(m.rows * m.columns for m in work.matrices)
    assert made.inside_bytes >= made.weight_bytes
    assert made.bus_tokens_per_second * made.weight_bytes == pytest.approx(channels * 16e9)
    left = sum(stay.macs for stay in made.stays)
    assert made.stays_share_macs == pytest.approx(left / (left + made.weight_bytes / 2))
    assert 0 < made.stays_share_bytes < 1 and made.length == bundle.decoder.context
    assert sum(step.matrices for step in made.steps) == len(work.matrices)


def test_a_longer_context_moves_less_and_costs_no_matrix_more(tiny: Tiny) -> None:
    short, long = (of_decode(tiny("llama3"), 8, length) for length in (1, 100))
    assert short.cycles == long.cycles
    assert short.stays_share_macs < long.stays_share_macs
    assert short.stays[0].bytes * 100 == long.stays[0].bytes


def test_weights_that_do_not_fit_are_refused(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = tiny("gemma3")
    need = of_decode(bundle, 1).bank_rows
    monkeypatch.setattr(workload, "GEOMETRY", Geometry(rows=need - 1))
    with pytest.raises(DeviceUnavailable, match="does not fit into 1 simulated") as caught:
        of_decode(bundle, 1)
    assert f"{need:,} rows" in caught.value.why and caught.value.fix == "--channels 2"
    assert of_decode(bundle, 2).bank_rows < need


@pytest.mark.parametrize("length", [0, -1, 129])
def test_a_context_beyond_the_bundles_is_refused(length: int, tiny: Tiny) -> None:
    with pytest.raises(OptionError, match="1 to 128"):
        of_decode(tiny("gemma3"), 8, length)


def test_words_are_korean_where_they_should_be(monkeypatch: pytest.MonkeyPatch) -> None:
    english = of_product(1, 1, 1)
    monkeypatch.setenv("ONDOL_LANG", "ko")
    korean = of_product(1, 1, 1)
    assert "모의" in korean.device and len(korean.assumptions) == len(english.assumptions)
    assert not set(korean.assumptions) & set(english.assumptions)
    assert {k for k, v in asdict(korean).items() if v != asdict(english)[k]} == {
        "device",
        "energy",
        "assumptions",
    }


@example(flips=[(502, 128)])  # an operator's name that is no text
@given(flips=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 255)), max_size=3))
@settings(max_examples=150, deadline=None)
def test_graphs_that_lie_raise_nothing_else(flips: list[tuple[int, int]], tiny: Tiny) -> None:
    bundle = tiny("qwen3")
    made = bytearray(bundle.read("model.onnx"))
    for at, bits in flips:
        made[at % len(made)] ^= bits
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Bundle, "read", lambda self, name: bytes(made))
        try:
            assert of_decode(bundle, 8).cycles > 0
        except OndolError:
            assert flips


@pytest.mark.parametrize("raw", [b"", b"\xff" * 40])
def test_a_graph_that_is_none_is_corrupt(
    raw: bytes, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tiny("qwen3")
    monkeypatch.setattr(Bundle, "read", lambda self, name: raw)
    with pytest.raises(CorruptBundle, match="cannot be read"):
        of_decode(bundle, 8)
