"""Probing side by side: in order, within a limit, whatever a device's code does."""

import threading
from dataclasses import replace

import pytest

from ondol import probing, registry
from ondol.device import Report, State
from ondol_runtimes.null import NullRuntime

OPEN = threading.Event()


class Hung(NullRuntime):
    """A device of ours whose driver never answers."""

    name = "hung"

    def _probe(self) -> Report:
        OPEN.wait()
        return super()._probe()


class Exits(NullRuntime):
    """A device whose package calls exit()."""

    name = "exits"

    def _probe(self) -> Report:
        raise SystemExit(3)


class Impostor(NullRuntime):
    """A device that reports under another's name."""

    name = "impostor"

    def _probe(self) -> Report:
        return replace(super()._probe(), name="cpu")


@pytest.fixture(autouse=True)
def devices(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in ("Hung", "Exits", "Impostor"):
        monkeypatch.setitem(registry.DEVICES, each.lower(), f"{__name__}:{each}")


def reports(*names: str, seconds: float | None = None) -> dict[str, Report]:
    return {report.name: report for report in probing.together(names, seconds, names)}


def test_a_device_that_hangs_is_named_and_holds_up_nobody() -> None:
    try:
        found = reports("hung", "null", seconds=3.0)
    finally:
        OPEN.set()
    assert tuple(found) == ("hung", "null")
    assert found["hung"].state is State.TIMED_OUT and "3 s" in found["hung"].reason
    assert found["null"].available


def test_a_device_that_exits_ends_only_its_own_probe() -> None:
    found = reports("exits", "null")
    assert found["exits"].state is State.MISSING_SOFTWARE and "SystemExit" in found["exits"].reason
    assert found["null"].available


def test_a_report_carries_the_name_it_was_asked_by() -> None:
    assert tuple(reports("impostor", "null")) == ("impostor", "null")


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7.5", 7.5), ("", 2.0), ("0", 2.0), ("-1", 2.0), ("nan", 2.0), ("inf", 2.0), ("soon", 2.0)],
)
def test_the_limit_is_a_number_of_seconds(
    said: str, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(probing.VARIABLE, said)
    assert probing.limit() == seconds


def test_the_limit_is_said_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    OPEN.clear()
    try:
        found = reports("hung", seconds=0.05)["hung"]
    finally:
        OPEN.set()
    assert "0.05초" in found.reason and probing.VARIABLE in found.fix
