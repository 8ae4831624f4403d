from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from ondol import registry
from ondol.bundle import Bundle
from ondol.device import Report, State
from ondol.errors import ContractBroken, DeviceUnavailable, OptionError, UnknownDevice
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime
from ondol.snapshot import Snapshot
from ondol.testing import CHECKS, check_one, check_runtime
from ondol_converters.recipe import Target, Weights
from ondol_runtimes.null import NullDecoder, NullRuntime, predicted_bytes_per_token
from tiny_models import Tiny

CONTEXT = 96
TARGETS: dict[str, Target] = {"one": "one", "qnn": "npu"}
"""What bundles are converted for, of devices that the CPU's graphs do not serve."""
WEIGHTS: dict[str, Weights] = {"openvino": "float32"}
"""Which weights they have, of devices that take no quantised ones."""
PLANS = {"qnn": Plan(24, 1, True, False)}
"""Shorter ones, of devices that are emulated and slow."""


@pytest.fixture(scope="module", params=registry.DEVICES)
def device(request: pytest.FixtureRequest) -> Runtime:
    runtime = registry.runtime(request.param)
    report = runtime.probe()
    if not report.available:
        pytest.skip(f"{report.name}: {report.reason} {report.fix}")
    return runtime


def made(tiny: Tiny, model: str, device: str) -> Bundle:
    """The tiny bundle of a model that a device opens."""
    return tiny(model, WEIGHTS.get(device, "auto"), TARGETS.get(device, "cpu"))


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("model", ["gemma3", "llama3"])
def test_every_device_keeps_the_contract(
    device: Runtime, check: str, model: str, tiny: Tiny
) -> None:
    check_one(check, device, made(tiny, model, device.name), PLANS.get(device.name))


@pytest.mark.parametrize("check", ["append_all", "steps", "rewind", "apart", "writing"])
def test_the_float_prefill_keeps_the_contract(check: str, tiny: Tiny) -> None:
    check_one(check, registry.runtime("cpu"), tiny("gemma3"), Plan(CONTEXT, 2, False, False))


class _Forgetful(NullDecoder):
    """A session that breaks one promise, so that the checks are seen to notice."""

    def _append(self, ids: Sequence[int]) -> NDArray[np.float32]:
        logits = super()._append([0])
        logits[3] = float(hash(str(ids)) % 7)
        return logits


class _Stuck(NullDecoder):
    def rewind(self, length: int) -> None:
        """Does nothing."""


class _Reopened(NullDecoder):
    def close(self) -> None:
        """Does nothing."""


class _Amnesiac(NullDecoder):
    def restore(self, snapshot: Snapshot) -> None:
        self.rewind(0)


class _Wide(NullDecoder):
    def _append(self, ids: Sequence[int]) -> NDArray[np.float32]:
        wide: NDArray[np.float32] = super()._append([0])[None]
        return wide


@pytest.mark.parametrize(
    ("session", "check"),
    [
        (_Forgetful, "append_all"),
        (_Stuck, "rewind"),
        (_Reopened, "close"),
        (_Wide, "append"),
        (_Amnesiac, "snapshot"),
    ],
)
def test_checks_notice_a_broken_promise(session: type[NullDecoder], check: str, tiny: Tiny) -> None:
    class Broken(NullRuntime):
        def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
            return session(bundle, plan)

    with pytest.raises(ContractBroken, match="contract"):
        check_one(check, Broken(), tiny("gemma3"))
    with pytest.raises(ContractBroken):
        check_runtime(Broken(), tiny("gemma3"))


def test_an_unknown_device_names_the_nearest() -> None:
    with pytest.raises(UnknownDevice) as caught:
        registry.runtime("referense")
    assert "reference" in caught.value.fix
    with pytest.raises(UnknownDevice) as caught:
        registry.runtime("toaster")
    assert "cpu" in caught.value.why and "ondol devices" in caught.value.fix


def test_an_unavailable_device_says_why(tiny: Tiny) -> None:
    class Absent(NullRuntime):
        def _probe(self) -> Report:
            raise OSError("no such driver")

    report = Absent().probe()
    assert report.state is State.MISSING_SOFTWARE and "no such driver" in report.reason
    with pytest.raises(DeviceUnavailable, match="no such driver"):
        Absent().open(tiny("gemma3"), Plan(CONTEXT, 1, True))


def test_a_session_is_free_again_after_an_error(device: Runtime, tiny: Tiny) -> None:
    bundle = made(tiny, "qwen3", device.name)
    with device.open(bundle, Plan(CONTEXT, 1, True)) as session:
        with pytest.raises(OptionError):
            session.append([])
        assert session.append([1]).shape == (session.vocabulary,)


def test_null_never_ends_a_reply_and_gives_valid_ids(tiny: Tiny) -> None:
    bundle = tiny("gemma3")
    model = replace(bundle.decoder, eos=(3, 4, 271))
    bundle = Bundle(bundle.path, replace(bundle.manifest, model=model))
    with NullRuntime().open(bundle, Plan(CONTEXT, 1, True)) as session:
        tokens = [int(session.append([0]).argmax()) for _ in range(6)]
    assert tokens == [1, 2, 5, 5, 5, 6]


def test_null_predicts_what_a_token_reads(tiny: Tiny) -> None:
    bundle = tiny("gemma3")
    weights = (bundle.path / "weights.bin").stat().st_size
    assert predicted_bytes_per_token(bundle) == weights
    with NullRuntime().open(bundle, Plan(CONTEXT, 1, True)) as session:
        session.append([1] * 10)
        assert isinstance(session, NullDecoder)
        # 7 layers, keys and values, one head of 32 float32 each
        assert session.predicted_bytes_per_token == weights + 10 * 7 * 2 * 32 * 4
