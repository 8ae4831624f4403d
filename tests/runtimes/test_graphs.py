"""Graphs without a state: the contract on the CPU, and what other devices say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from graph_bundle import TABLE, encoder_bundle
from ondol import registry
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import (
    ContractBroken,
    CorruptBundle,
    DeviceError,
    DeviceUnavailable,
    WrongKind,
)
from ondol.plan import Plan
from ondol.stateless import Session
from ondol.testing_graph import CHECKS, check_graph, check_one
from ondol_runtimes.cpu import CpuRuntime
from tiny_models import Tiny

PLAN = Plan(16, 1, True, False)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return encoder_bundle(tmp_path_factory.mktemp("graphs") / "mean")


@pytest.mark.parametrize("device", ["cpu", "capi", "reference"])
@pytest.mark.parametrize("check", CHECKS)
def test_devices_keep_the_contract_of_graphs(check: str, device: str, encoder: Bundle) -> None:
    check_one(check, registry.runtime(device), encoder)


@pytest.mark.parametrize("device", ["cpu", "capi", "reference"])
def test_devices_compute_the_graph(device: str, encoder: Bundle) -> None:
    ids = np.array([[3, 4], [7, 9]])
    with registry.runtime(device).open_graph(encoder, PLAN) as session:
        made = session.run({"input_ids": ids})["embedding"]
    assert np.allclose(made, TABLE[ids].mean(axis=1), atol=1e-6)


def test_what_the_graph_cannot_do_is_a_device_error(encoder: Bundle) -> None:
    with (
        CpuRuntime().open_graph(encoder, PLAN) as session,
        pytest.raises(DeviceError, match="could not run"),
    ):
        session.run({"input_ids": np.array([[1 << 40]])})


def test_devices_of_decoders_only_say_so(encoder: Bundle) -> None:
    with pytest.raises(DeviceUnavailable, match="text generators only"):
        registry.runtime("null").open_graph(encoder, PLAN)


@pytest.mark.parametrize("device", registry.DEVICES)
def test_an_encoder_cannot_be_opened_as_a_decoder(device: str, encoder: Bundle) -> None:
    with pytest.raises(WrongKind, match="no text generator"):
        registry.runtime(device).open(encoder, PLAN)
    with pytest.raises(WrongKind, match="encodes text"):
        Engine.open(encoder, device=device)


def test_a_decoder_is_no_encoder(tiny: Tiny) -> None:
    with pytest.raises(WrongKind, match="ondol chat"):
        _ = tiny("qwen2").encoder
    with pytest.raises(WrongKind, match="no speech recogniser"):
        _ = tiny("qwen2").speech


def test_a_changed_graph_is_not_parsed(tmp_path: Path) -> None:
    bundle = encoder_bundle(tmp_path / "changed")
    raw = bytearray((bundle.path / "model.onnx").read_bytes())
    raw[-40] ^= 1
    (bundle.path / "model.onnx").write_bytes(raw)
    with pytest.raises(CorruptBundle, match=r"model\.onnx"):
        CpuRuntime().open_graph(bundle, PLAN)


def test_a_graph_that_is_none_is_corrupt(tmp_path: Path) -> None:
    bundle = encoder_bundle(tmp_path / "noise", b"\x08\x0anoise")
    with pytest.raises(CorruptBundle, match="cannot be loaded"):
        CpuRuntime().open_graph(bundle, PLAN)


class _Stateful(Session):
    """Breaks a promise, so that the checks are seen to notice."""

    def __init__(self, inner: Session) -> None:
        super().__init__(inner.inputs, inner.outputs)
        self._inner = inner
        self._runs = 0

    def _run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        self._runs += 1
        return {name: made + self._runs for name, made in self._inner.run(feeds).items()}


def test_checks_notice_a_broken_promise(encoder: Bundle) -> None:
    class Broken(CpuRuntime):
        def _open_graph(self, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
            return _Stateful(super()._open_graph(bundle, plan, graph))

    with pytest.raises(ContractBroken, match="state"):
        check_graph(Broken(), encoder)
