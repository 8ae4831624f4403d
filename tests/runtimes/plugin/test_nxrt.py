"""A real plugin, nxrt-ep-cpu: what it takes, what it fails at, and going on without it.

Of a float32 Gemma it takes norms, of 4- and 8-bit ones nothing, and in Llama an attention of
which it cannot fill the outputs: a driver that fails, without anything being simulated.
"""

import importlib.util
from collections.abc import Callable

import numpy as np
import pytest

from ondol import registry
from ondol.engine import Engine
from ondol.errors import DeviceLost, DeviceUnavailable, OptionError, SessionClosed
from ondol.placement import counted
from ondol.plan import Plan
from ondol.reply import Finish, Limits, Reply
from ondol.runtime import Runtime
from ondol.sampling import Sampling
from ondol.session import Conversation
from ondol.testing import CHECKS, check_one
from ondol_runtimes import _package
from tiny_models import Tiny, expected

DEVICE = "plugin:nxrt_ep_cpu"
PLAN = Plan(96, 1, True, False)
CPU = "CPUExecutionProvider"
FLOAT = 2e-5  # float32 sums in another order
TOKENS = Limits(max_tokens=24)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nxrt_ep_cpu") is None,
    reason="nxrt-ep-cpu is not installed: pip install 'ondol[plugin]'",
)


@pytest.fixture
def nxrt() -> Runtime:
    return registry.runtime(DEVICE)


def test_the_report_names_what_it_offers(nxrt: Runtime) -> None:
    report = nxrt.probe()
    assert report.available and "cpu_ep" in report.reason
    assert report.device and "onnx_runtime_ep_cpu_plugin" in report.device.software


@pytest.mark.parametrize("check", CHECKS)
def test_it_keeps_the_contract(check: str, nxrt: Runtime, tiny: Tiny) -> None:
    check_one(check, nxrt, tiny("gemma3", "float32"))


def test_its_numbers_are_transformers(nxrt: Runtime, tiny: Tiny) -> None:
    known = expected("gemma3")
    with nxrt.open(tiny("gemma3", "float32"), PLAN) as session:
        found = session.append_all(known.ids)
    wanted = known.prefill[: len(known.ids)]
    assert np.abs(found - wanted).max() <= FLOAT * np.abs(wanted).max()


def test_which_node_went_where(nxrt: Runtime, tiny: Tiny) -> None:
    with nxrt.open(tiny("gemma3", "float32"), PLAN) as session:
        by_device = counted(session.placement)
    assert set(by_device) == {"cpu_ep", CPU}
    assert by_device["cpu_ep"]["com.microsoft::SkipSimplifiedLayerNormalization"] > 0
    assert by_device[CPU]["com.microsoft::GroupQueryAttention"] > 0
    assert all(placed.node for placed in session.placement)


def test_one_that_takes_no_node_is_an_error(nxrt: Runtime, tiny: Tiny) -> None:
    with pytest.raises(DeviceUnavailable, match="none of the 145 nodes of model.onnx") as caught:
        nxrt.open(tiny("gemma3"), PLAN)
    assert "MatMulNBits" in caught.value.why


def test_a_driver_that_fails_ends_the_session_not_the_process(nxrt: Runtime, tiny: Tiny) -> None:
    session = nxrt.open(tiny("llama3", "float32"), PLAN)
    with pytest.raises(DeviceLost, match=r"nxrt_ep_cpu is lost") as caught:
        session.append([1, 2, 3])
    assert "KernelContext_GetOutput" in caught.value.why
    with pytest.raises(SessionClosed):
        session.append([1])


def test_another_device_answers_what_the_failing_one_did_not(tiny: Tiny) -> None:
    bundle = tiny("llama3", "float32")
    with Engine.open(bundle, device=DEVICE, threads=1) as engine:
        reply = engine.reply("abc", limits=TOKENS)
        with pytest.raises(DeviceLost):
            reply.read()
        assert (reply.text, reply.finish) == ("", Finish.LOST)
        engine.move("cpu", threads=1)
        reply.resume()
        assert reply.read() == alone(bundle.path, "abc")
        assert engine.device == "cpu"


def alone(path: object, prompt: str, sampling: Sampling | None = None) -> str:
    with Engine.open(str(path), threads=1) as engine:
        return engine.reply(prompt, sampling, TOKENS).read()


@pytest.fixture
def unplug(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets the driver fail, as a card does that is pulled out, after some more runs."""

    def after(runs: int) -> None:
        real, left = _package.PackageBinding.run, [runs]

        def run(binding: _package.PackageBinding) -> None:
            if left[0] == 0:
                monkeypatch.setattr(_package.PackageBinding, "run", real)
                raise RuntimeError("the device was removed")
            left[0] -= 1
            real(binding)

        monkeypatch.setattr(_package.PackageBinding, "run", run)

    return after


def lost(reply: Reply) -> None:
    with pytest.raises(DeviceLost, match="the device was removed"):
        reply.read()


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(temperature=1.5, top_k=0, seed=5)])
@pytest.mark.parametrize("runs", [0, 1, 9])
def test_a_reply_goes_on_where_the_driver_disappeared(
    runs: int, sampling: Sampling, tiny: Tiny, unplug: Callable[[int], None]
) -> None:
    bundle = tiny("gemma3", "float32")
    wanted = alone(bundle.path, "abc", sampling)
    with Engine.open(bundle, device=DEVICE, threads=1) as engine:
        unplug(runs)
        reply = engine.reply("abc", sampling, TOKENS)
        lost(reply)
        assert reply.finish is Finish.LOST and wanted.startswith(reply.text)
        with pytest.raises(SessionClosed):
            engine.reply("abc").read()
        engine.move("cpu", threads=1)
        reply.resume()
        reply.read()
        assert (reply.text, reply.finish) == (wanted, Finish.LENGTH)
        with pytest.raises(OptionError, match="cannot be resumed"):
            reply.resume()


def test_what_is_said_is_said_once(tiny: Tiny, unplug: Callable[[int], None]) -> None:
    bundle = tiny("gemma3", "float32")
    with Engine.open(bundle, device=DEVICE, threads=1) as engine:
        unplug(5)
        reply = engine.reply("abc", limits=TOKENS)
        before: list[str] = []
        with pytest.raises(DeviceLost):
            before.extend(iter(reply))
        said = reply.text
        engine.move("cpu", threads=1)
        reply.resume()
        assert said + "".join(reply) == reply.text == alone(bundle.path, "abc")


def test_a_conversation_goes_on(tiny: Tiny, unplug: Callable[[int], None]) -> None:
    bundle = tiny("gemma3", "float32")
    with Engine.open(bundle, device=DEVICE, threads=1) as engine:
        conversation = Conversation(engine, system="")
        first = conversation.send("가", TOKENS)
        first.read()
        conversation.keep(first)
        unplug(3)
        second = conversation.send("나", TOKENS)
        lost(second)
        engine.move("cpu", threads=1)
        second.resume()
        second.read()
        conversation.keep(second)
        assert [turn.role for turn in conversation.turns] == ["user", "assistant"] * 2
        assert conversation.send("다", TOKENS).read()


def test_an_engine_stays_where_it_is_if_the_other_device_cannot_be_used(tiny: Tiny) -> None:
    with Engine.open(tiny("gemma3", "float32"), device="null") as engine:
        with pytest.raises(DeviceUnavailable):
            engine.move("plugin")
        assert engine.device == "null" and engine.reply("abc", limits=TOKENS).read()
