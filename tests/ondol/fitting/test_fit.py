"""A plan that fits, is made smaller, or is refused; under limits that the kernel enforces."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ondol import registry
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import NotEnoughMemory, OptionError
from ondol.fitting import Room, fit, fitted_by, footprint
from ondol.plan import Plan
from tiny_models import CONTEXT, Tiny
from weights import starter_bundle

MIB = 1 << 20
MEMORY = Path("/sys/fs/cgroup/memory")
OPEN = """
import sys
from ondol.engine import Engine
from ondol.errors import NotEnoughMemory
try:
    Engine.open(sys.argv[1], context=int(sys.argv[2]) or None).close()
except NotEnoughMemory as exc:
    sys.exit(f"REFUSED {exc}")
"""


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> "Limit":
    return Limit(monkeypatch)


class Limit:
    """Makes the planner see one limit."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch

    def of(self, count: int) -> None:
        found = (Room("MemAvailable", count),)
        self._patch.setattr("ondol.fitting.choosing.rooms", lambda memory: found)


def _added(bundle: Bundle, plan: Plan) -> int:
    from ondol.memory import resident_bytes

    return footprint(bundle, plan).peak - resident_bytes()


def test_what_fits_stays_as_it_was_wished(tiny: Tiny, room: Limit) -> None:
    wish = Plan(CONTEXT, 1, True)
    room.of(_added(tiny("gemma3"), wish) + 20 * MIB)
    fitted = fit(tiny("gemma3"), wish)
    assert fitted.plan == wish and not fitted.changes and fitted.footprint


def test_passes_shrink_first_then_the_context_and_both_are_said(tiny: Tiny, room: Limit) -> None:
    bundle, wish = tiny("gemma3"), Plan(CONTEXT, 1, True)
    room.of(_added(bundle, wish) - 1 * MIB)
    fitted = fit(bundle, wish)
    assert (fitted.plan.context, fitted.plan.batch) == (CONTEXT, 32)
    assert "32 tokens at a time" in "".join(fitted.changes)

    wide = Plan(1 << 20, 1, True)  # as if the bundle allowed it: the cache is what counts
    room.of(_added(bundle, Plan(50_000, 1, True, batch=32)))
    fitted = fit(bundle, wide)
    assert 40_000 < fitted.plan.context <= 60_000
    assert str(fitted.plan.context) in fitted.changes[0] and "Korean" in fitted.changes[0]
    with pytest.raises(NotEnoughMemory) as caught:
        fit(bundle, wide, wished_context=True)
    assert "longest context" in caught.value.fix and "Korean characters" in caught.value.fix
    assert "--kv-cache int8" in caught.value.fix
    whole = Bundle(
        bundle.path, replace(bundle.manifest, model=replace(bundle.decoder, cache="int8"))
    )
    room.of(_added(whole, Plan(50_000, 1, True, batch=32)))
    with pytest.raises(NotEnoughMemory) as caught:
        fit(whole, wide, wished_context=True)
    assert "longest context" in caught.value.fix and "--kv-cache" not in caught.value.fix


def test_where_nothing_fits_the_numbers_are_said(tiny: Tiny, room: Limit) -> None:
    room.of(1 * MIB)
    with pytest.raises(NotEnoughMemory) as caught:
        fit(tiny("gemma3"), Plan(CONTEXT, 1, True))
    assert "1 MB (free on this machine)" in caught.value.why and "weights" in caught.value.why
    assert "No context fits" in caught.value.fix


def test_an_engine_says_what_it_made_smaller(
    tiny: Tiny, room: Limit, caplog: pytest.LogCaptureFixture
) -> None:
    room.of(_added(tiny("gemma3"), Plan(CONTEXT, 1, True)) - 1 * MIB)
    with Engine.open(tiny("gemma3")) as engine:
        assert engine.changes and engine.changes[0] in caplog.text


def test_a_device_that_cannot_say_refuses_a_limit(tiny: Tiny) -> None:
    plan = Plan(CONTEXT, 1, True)
    with pytest.raises(OptionError, match="null"):
        fitted_by(registry.runtime("null"), tiny("gemma3"), plan, 1 << 40, wished_context=False)
    found = fitted_by(registry.runtime("null"), tiny("gemma3"), plan, None, wished_context=False)
    assert found.plan == plan


@pytest.mark.weights
@pytest.mark.skipif(sys.platform != "linux", reason="limits of addresses are Linux's")
def test_under_a_limit_of_addresses_it_refuses_before_it_loads() -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (700 * MIB, 700 * MIB))

    command = [sys.executable, "-c", OPEN, str(starter_bundle("gemma").path), "0"]
    quiet = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    ran = subprocess.run(command, preexec_fn=limit, stderr=subprocess.PIPE, text=True, env=quiet)
    assert ran.returncode == 1 and ran.stderr.startswith("REFUSED"), ran.stderr
    assert "RLIMIT_AS" in ran.stderr


@pytest.fixture
def box() -> Iterator[Path]:
    """A memory cgroup of 300 MB; skipped where this process may not make one."""
    made = MEMORY / f"ondol-test-{os.getpid()}"
    try:
        made.mkdir()
        (made / "memory.limit_in_bytes").write_text(str(300 * MIB))
    except OSError as exc:
        pytest.skip(f"no memory cgroup of our own: {exc.strerror}")
    try:
        yield made
    finally:
        made.rmdir()


@pytest.mark.weights
def test_in_a_small_container_it_refuses_instead_of_being_killed(box: Path) -> None:
    bundle = starter_bundle("gemma")

    def enter() -> None:
        (box / "cgroup.procs").write_text(str(os.getpid()))

    command = [sys.executable, "-c", OPEN, str(bundle.path), "0"]
    ran = subprocess.run(command, preexec_fn=enter, stderr=subprocess.PIPE, text=True)
    assert ran.returncode == 1 and ran.stderr.startswith("REFUSED"), ran.stderr
    assert "container" in ran.stderr and "MB" in ran.stderr
