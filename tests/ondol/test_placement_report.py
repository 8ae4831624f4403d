"""Where nodes run: the processor by ONNX Runtime's record, memory banks by their own rule."""

from pathlib import Path

import pytest

from graph_bundle import encoder_bundle
from ondol.errors import DeviceUnavailable, OptionError
from ondol.placement_report import PassPlacement, PlacementReport, place
from tiny_models import CONTEXT, Tiny


def adds_up(placed: PassPlacement) -> None:
    assert sum(share.flops_share for share in placed.shares) == pytest.approx(1)
    assert sum(share.bytes_share for share in placed.shares) == pytest.approx(1)
    assert sum(share.nodes for share in placed.shares) == sum(bool(r.device) for r in placed.rows)
    assert all(row.reason for row in placed.rows)
    assert all(row.device or not row.flops for row in placed.rows)


@pytest.mark.parametrize("device", ["cpu", "capi", "reference", "aim", "null"])
def test_every_device_accounts_for_every_node(device: str, tiny: Tiny) -> None:
    report = place(tiny("gemma3"), device, prompt_tokens=20)
    assert (report.bundle, report.device, report.graph) == ("gemma3-auto", device, "model.onnx")
    assert report.decode is not None
    assert (report.prefill.tokens, report.prefill.before) == (20, 0)
    assert (report.decode.tokens, report.decode.before) == (1, 20)
    for placed in (report.prefill, report.decode):
        adds_up(placed)


def test_the_processor_says_what_onnx_runtime_recorded(tiny: Tiny) -> None:
    report = place(tiny("qwen3"), "cpu", prompt_tokens=4)
    rows = {row.node: row for row in report.prefill.rows}
    product = rows["layers.0.qkv/MatMul"]
    assert product.device == "cpu" and "CPUExecutionProvider" in product.reason
    folded = rows["layers.0.qkv.scales/float32"]
    assert folded.device == "" and "constants" in folded.reason
    (share,) = report.prefill.shares
    assert share.device == "cpu" and share.flops_share == 1.0


def test_banks_take_the_products_of_decoding_and_nothing_of_a_prompt(tiny: Tiny) -> None:
    report = place(tiny("gemma3"), "aim", prompt_tokens=20)
    assert [share.device for share in report.prefill.shares] == ["cpu"]
    assert report.decode is not None
    banks, processor = report.decode.shares
    assert (banks.device, processor.device) == ("aim", "cpu")
    assert banks.flops_share > 0.5 > processor.flops_share > 0
    there = {row.operator for row in report.decode.rows if row.device == "aim"}
    assert there == {"com.microsoft::MatMulNBits"}
    assert any("simulated" in row.reason for row in report.decode.rows)


def test_without_a_device_it_is_the_one_that_would_be_chosen(tiny: Tiny) -> None:
    assert place(tiny("gemma3")).device == "cpu"
    assert place(tiny("gemma3")).prefill.tokens == CONTEXT - 1


def test_an_encoder_has_one_pass(tmp_path: Path) -> None:
    report = place(encoder_bundle(tmp_path / "encoder"), prompt_tokens=16)
    assert report.decode is None and report.prefill.tokens == 16
    adds_up(report.prefill)


def test_float_stages_are_said(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def notes(dots: bool, device: str) -> PlacementReport:
        monkeypatch.setattr("ondol.plan.has_dot_product", lambda: dots)
        return place(tiny("gemma3"), device)

    assert "prefill stages" in notes(False, "cpu").notes[0]
    assert notes(True, "cpu").notes == () and notes(False, "reference").notes == ()


@pytest.mark.parametrize("tokens", [0, -1, CONTEXT, 10**9])
def test_a_prompt_that_leaves_no_room(tokens: int, tiny: Tiny) -> None:
    with pytest.raises(OptionError, match=str(CONTEXT - 1)):
        place(tiny("gemma3"), "null", prompt_tokens=tokens)


def test_a_graph_that_is_no_onnx(tiny: Tiny) -> None:
    pytest.importorskip("onert", reason='pip install "ondol[one]"')
    with pytest.raises(DeviceUnavailable, match=r"one\.circle"):
        place(tiny("gemma3", target="one"), "one")
