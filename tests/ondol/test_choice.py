"""Which device runs a bundle, and why no better one does."""

from dataclasses import replace
from pathlib import Path

import pytest

import ondol
from graph_bundle import encoder_bundle
from ondol import registry
from ondol.bundle import Bundle
from ondol.choice import PREFERENCE, Choice, pick
from ondol.device import Device, Report, Silicon, State
from ondol.engine import Engine
from ondol.errors import DeviceUnavailable, UnknownDevice, UnsupportedOperators
from ondol_runtimes.null import NullRuntime
from tiny_models import Tiny


class Phone(NullRuntime):
    """A phone's processor that was run on silicon; each test says what its probe finds."""

    name = "qnn"
    silicon = Silicon.YES
    found = Report("qnn", State.AVAILABLE, "here", silicon=Silicon.YES, device=Device("qnn", "x"))

    def _probe(self) -> Report:
        return self.found


class Emulated(Phone):
    silicon = Silicon.EMULATOR


class Apart(Phone):
    target = "npu"


class Absent(Phone):
    found = Report("qnn", State.MISSING_HARDWARE, "no such chip", "buy one")


class Poor(Phone):
    target = "cpu"
    found = Report(
        "qnn", State.AVAILABLE, "here", device=Device("qnn", "x", operators=("Add", "MatMul"))
    )


def use(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Let `qnn` be one of the classes above, and nothing but it and the processor be there."""
    monkeypatch.setattr(
        registry,
        "DEVICES",
        {"cpu": registry.DEVICES["cpu"], "qnn": f"{__name__}:{kind}"},
    )


def test_the_best_that_runs_it_is_taken(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "Phone")
    choice = pick(tiny("gemma3"))
    assert choice == Choice("qnn", PREFERENCE[0].why[0], ())


@pytest.mark.parametrize(
    ("kind", "reason", "fix"),
    [
        ("Emulated", "never ran it on silicon (an emulator only)", "--device qnn"),
        ("Apart", "has no graph for it (target npu)", "--target npu"),
        ("Absent", "no such chip", "buy one"),
        ("Poor", "lacks: ", "ondol lint"),
        ("Missing", "AttributeError", ""),
    ],
)
def test_a_better_one_is_passed_over_with_a_reason(
    kind: str, reason: str, fix: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, kind)
    choice = pick(tiny("gemma3"))
    assert choice.device == "cpu"
    (passed,) = choice.passed
    assert passed.device == "qnn" and reason in passed.reason and fix in passed.fix
    assert str(choice).splitlines()[0].startswith("cpu: ") and reason in str(choice)


def test_a_device_by_name_is_that_one_or_an_error(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tiny("gemma3")
    use(monkeypatch, "Emulated")
    assert pick(bundle, "qnn").device == "qnn"
    for kind, words in (("Absent", "no such chip"), ("Apart", "target npu"), ("Poor", "lacks")):
        use(monkeypatch, kind)
        with pytest.raises(DeviceUnavailable, match=words):
            pick(bundle, "qnn")
    with pytest.raises(UnsupportedOperators, match="lacks: ") as caught:
        Engine.open(bundle, device="qnn")
    assert caught.value.fix == f"ondol lint {bundle.name} --target cpu"
    with pytest.raises(UnknownDevice, match="qn"):
        pick(bundle, "qn")


def test_reasons_are_korean_too(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    use(monkeypatch, "Emulated")
    choice = pick(tiny("gemma3"))
    assert "실제 칩에서" in choice.passed[0].reason and "프로세서" in choice.reason


def test_where_nothing_runs_it_every_reason_is_said(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "DEVICES", {"qnn": f"{__name__}:Absent", "null": "x:Y"})
    with pytest.raises(DeviceUnavailable, match="qnn: no such chip") as caught:
        pick(tiny("gemma3"))
    assert caught.value.fix == "See what would help: ondol devices"


def test_devices_that_compute_nothing_right_are_never_chosen(tiny: Tiny) -> None:
    bundle = tiny("gemma3")
    hollow = replace(bundle.manifest, variants=())
    with pytest.raises(DeviceUnavailable, match="no graph for it"):
        pick(Bundle(bundle.path, hollow))


def test_an_encoder_goes_to_a_device_that_runs_graphs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "Phone")
    choice = pick(encoder_bundle(tmp_path / "encoder"))
    assert choice.device == "cpu" and "text generators only" in choice.passed[0].reason


def test_an_engine_without_a_device_takes_the_choice(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Engine.open(tiny("gemma3")) as engine:
        assert engine.device == "cpu"
    use(monkeypatch, "Phone")
    with Engine.open(tiny("gemma3")) as engine:
        assert engine.device == "qnn"
    assert ondol.pick is pick and ondol.Choice is Choice
