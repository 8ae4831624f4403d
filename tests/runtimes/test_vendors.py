"""Vendors' devices without their silicon: missing, broken, deadly, hanging, or saying no.

What a package may do wrong is done by packages made up here; what the real ones say is recorded
where they are installed. `make test` installs LiteRT; the wheels of Mobilint and FuriosaAI have
no licence text, so theirs is for whoever has them: pip install "ondol[mobilint,furiosa]"
"""

import importlib.util
import shutil
from pathlib import Path

import pytest

from ondol import registry
from ondol.child_process import ask
from ondol.device import Report, Silicon, State
from ondol.errors import DeviceUnavailable, OptionError
from ondol.plan import Plan
from ondol_runtimes import _vendor
from ondol_runtimes._vendor import VendorRuntime
from ondol_runtimes.exynos import COMPILE
from ondol_runtimes.furiosa import COMPILER, estimate
from tiny_models import Tiny

DEVICES = ("exynos", "mobilint", "furiosa", "rebellions", "nnapi", "xnnpack")
PLAN = Plan(32, 1, True, False)


class Chip(VendorRuntime):
    name = "chip"
    package = "ondol_made_up_chip"
    about = ("a chip", "칩")
    obtain = ("buy one", "하나 사세요")
    unmade = ("no bundle", "번들 없음")
    code = 'import json, ondol_made_up_chip as c; print(json.dumps({"found": c.open()}))'


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a made-up package, here and in other processes."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    _vendor.asked.cache_clear()
    return tmp_path / "ondol_made_up_chip.py"


def installed(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        importlib.util.find_spec(name) is None, reason=f"{name} is not installed"
    )


@pytest.mark.parametrize("name", DEVICES)
def test_each_reports_and_opens_nothing(name: str, tiny: Tiny) -> None:
    device = registry.runtime(name)
    report = device.probe()
    assert not report.available and report.reason and report.fix
    assert (report.name, report.silicon) == (name, Silicon.NO)
    bundle = tiny("llama3")
    assert all(device.refusal(bundle)) and all(device.about)
    with pytest.raises(DeviceUnavailable):
        device.open(bundle, PLAN)
    with pytest.raises(DeviceUnavailable):
        device.open_graph(bundle, PLAN)


def test_a_missing_package() -> None:
    report = Chip().probe()
    assert report.state is State.MISSING_SOFTWARE and report.fix == "buy one"
    assert "ondol_made_up_chip is not installed" in report.reason


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise OSError('libchip.so is missing')", "OSError: libchip.so is missing"),
        ("import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
        ("", "AttributeError: module 'ondol_made_up_chip' has no attribute 'open'"),
        ("import sys; sys.exit(0)", "cannot be used"),
    ],
    ids=["raises", "dies", "empty", "leaves"],
)
def test_a_broken_package(code: str, said: str, package: Path) -> None:
    package.write_text(code)
    report = Chip().probe()
    assert report.state is State.MISSING_SOFTWARE and said in report.reason


def test_a_package_that_hangs(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package.write_text("import time; time.sleep(600)")
    monkeypatch.setattr(_vendor, "SECONDS", 1.0)
    assert "no answer in 1 s" in Chip().probe().reason


def test_one_that_opens_is_unsupported_all_the_same(package: Path, tiny: Tiny) -> None:
    package.write_text("def open(): return 'a chip of one core'")
    report = Chip().probe()
    assert report.state is State.UNSUPPORTED
    assert "a chip of one core" in report.reason and "no bundle" in report.reason
    with pytest.raises(DeviceUnavailable, match="no bundle"):
        Chip()._open(tiny("llama3"), PLAN)


def real(name: str) -> Report:
    _vendor.asked.cache_clear()
    return registry.runtime(name).probe()


@pytest.mark.parametrize(
    ("name", "provider"),
    [("nnapi", "NnapiExecutionProvider"), ("xnnpack", "XnnpackExecutionProvider")],
)
def test_providers_of_android_are_not_in_this_build(name: str, provider: str) -> None:
    report = real(name)
    assert report.state is State.MISSING_SOFTWARE
    assert f"this build has no {provider}" in report.reason


@installed("qbruntime")
def test_what_mobilint_says_without_a_card() -> None:
    report = real("mobilint")
    assert report.state is State.MISSING_HARDWARE
    assert report.reason == "qbruntime: Acc_DeviceNotFound occurred."


@installed("furiosa_smi")
def test_what_furiosa_says_without_a_card() -> None:
    report = real("furiosa")
    assert report.state is State.MISSING_HARDWARE
    assert "device not found: no available device to read driver version" in report.reason


@installed("ai_edge_litert")
def test_what_litert_says_without_samsungs_toolchain() -> None:
    report = real("exynos")
    assert report.state is State.MISSING_SOFTWARE and "LiteCore" in report.fix
    assert "Samsung's compiler plugin: undefined symbol" in report.reason
    said = ask("-c", COMPILE, seconds=120).lines[-1]
    assert "ValueError: apply_plugin failed to apply plugin." in said
    assert "undefined symbol" in said


@pytest.mark.skipif(importlib.util.find_spec("rebel") is not None, reason="rebel is installed")
def test_rebellions_warns_of_its_torch_package() -> None:
    report = real("rebellions")
    assert report.state is State.MISSING_SOFTWARE and "torch-rbln" in report.fix


@pytest.mark.skipif(shutil.which(COMPILER) is None, reason=f"{COMPILER} is not on the PATH")
def test_the_estimates_of_furiosas_compiler() -> None:
    # furiosa-tcc 2026.4.0 on products of these sizes
    assert estimate(768, 768) == 2466
    assert estimate(1024, 1024) == 3183
    assert estimate(3072, 768, tokens=16) == 6853
    with pytest.raises(DeviceUnavailable, match="exit"):
        estimate(1 << 40, 1)


def test_no_compiler_no_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceUnavailable, match="not on the PATH"):
        estimate(768, 768)
    with pytest.raises(OptionError):
        estimate(0, 768)
    compiler = tmp_path / COMPILER
    for says, fault in (("echo no number", "exit 0 no number"), ("echo bad >&2; exit 3", "exit 3")):
        compiler.write_text(f"#!/bin/sh\n{says}\n")
        compiler.chmod(0o755)
        with pytest.raises(DeviceUnavailable, match=fault):
            estimate(768, 768)
