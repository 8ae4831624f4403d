"""Devices that hang while they open a bundle: a named error, and the process goes on."""

import threading

import pytest

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceError, DeviceTimeout
from ondol.plan import Plan
from ondol.runtime import DecoderSession
from ondol.stateless import Session
from ondol.timely import within
from ondol_runtimes.null import NullRuntime
from tiny_models import Tiny

PLAN = Plan(32, 1, True, False)


class Stuck(NullRuntime):
    """Opens only when it is let go."""

    name = "stuck"
    open_seconds = 0.2

    def __init__(self) -> None:
        self.go = threading.Event()
        self.closed = threading.Event()

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        self.go.wait()
        session = super()._open(bundle, plan)
        session._close = self.closed.set  # type: ignore[method-assign]
        return session

    def _open_graph(self, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
        self.go.wait()
        return super()._open_graph(bundle, plan, graph)


def test_a_device_that_hangs_is_a_named_timeout(tiny: Tiny) -> None:
    device = Stuck()
    with pytest.raises(DeviceTimeout, match="stuck gives no answer") as caught:
        device.open(tiny("llama3"), PLAN)
    assert isinstance(caught.value, DeviceError) and "0.2 s" in caught.value.why
    with pytest.raises(DeviceTimeout):
        device.open_graph(tiny("llama3"), PLAN)
    assert not device.closed.is_set()
    device.go.set()
    assert device.closed.wait(60)  # what came too late is not kept open


def test_one_that_answers_is_as_without_a_limit(tiny: Tiny) -> None:
    device = Stuck()
    device.go.set()
    with device.open(tiny("llama3"), PLAN) as session:
        assert session.append([1, 2]).argmax() == 2
    assert device.closed.is_set()


def test_errors_and_timeouts_of_its_own_stay_what_they_are() -> None:
    def broken() -> DecoderSession:
        raise CorruptBundle("no")

    def late() -> DecoderSession:
        raise TimeoutError("of its own")

    for seconds in (None, 60.0):
        with pytest.raises(CorruptBundle):
            within(seconds, broken, "x")
        with pytest.raises(TimeoutError, match="of its own"):
            within(seconds, late, "x")
