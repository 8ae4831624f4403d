"""The C library computes what the Python package computes: every number equal, bit by bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from graph_bundle import encoder_bundle
from ondol import registry
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import DeviceUnavailable
from ondol.packing import pack
from ondol.plan import Plan
from ondol.reply import Limits
from ondol.testing import check_runtime
from ondol.testing_graph import check_graph, feeds_for
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from ondol_runtimes import _ort
from ondol_runtimes.capi.api import Api
from ondol_runtimes.capi.device import CapiRuntime
from ondol_runtimes.capi.find import VARIABLE
from ondol_runtimes.cpu import CpuRuntime
from tiny_models import CONTEXT, MODELS, NAMES, Tiny, expected
from weights import starter_bundle

STAGED = Plan(CONTEXT, 2, False, False)  # prompts run through the prefill stages
WHOLE = Plan(CONTEXT, 2, True)
BOTH = (CpuRuntime(), CapiRuntime())
STEPS = 8


def logits(bundle: Bundle, plan: Plan, ids: list[int]) -> list[NDArray[np.float32]]:
    made = []
    for runtime in BOTH:
        with runtime.open(bundle, plan) as session:
            rows = [session.append(ids).copy()]
            rows += [session.append([int(rows[-1].argmax())]).copy() for _ in range(STEPS)]
            session.rewind(0)
            rows += list(session.append_all(ids))
            made.append(np.stack(rows))
    return made


@pytest.mark.parametrize("plan", [WHOLE, STAGED], ids=["whole", "staged"])
@pytest.mark.parametrize("name", NAMES)
def test_every_family_gives_equal_logits(name: str, plan: Plan, tiny: Tiny) -> None:
    cpu, capi = logits(tiny(name), plan, expected(name).ids)
    np.testing.assert_array_equal(capi, cpu)


def test_one_file_gives_equal_logits(tiny: Tiny, tmp_path: Path) -> None:
    packed = pack(tiny("qwen3"), tmp_path / "한 파일.ondol")
    cpu, capi = logits(packed, STAGED, expected("qwen3").ids)
    np.testing.assert_array_equal(capi, cpu)
    check_runtime(CapiRuntime(), packed)


def test_a_cache_of_8_bits_gives_equal_logits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = Options(context=CONTEXT, kv_cache="int8")
    bundle = convert(MODELS / "qwen2", tmp_path / "int8", options=options).bundle
    cpu, capi = logits(bundle, WHOLE, expected("qwen2").ids)
    np.testing.assert_array_equal(capi, cpu)
    monkeypatch.setattr(_ort, "INT8_CACHE_FROM", (99, 0))
    with pytest.raises(DeviceUnavailable, match="8 bits") as caught:
        CapiRuntime().open(bundle, WHOLE)
    assert "99.0" in caught.value.fix and VARIABLE in caught.value.fix


def test_encoders_give_equal_numbers(tmp_path: Path) -> None:
    whole = encoder_bundle(tmp_path / "whole")
    packed = pack(whole, tmp_path / "a.ondol")
    check_graph(CapiRuntime(), packed)
    made = []
    for bundle in (whole, packed):
        for runtime in BOTH:
            with runtime.open_graph(bundle, WHOLE) as session:
                made.append(session.run(feeds_for(session))["embedding"])
                assert session.inputs[0].shape == (None, None)
    assert all(np.array_equal(each, made[0]) for each in made)


def test_what_is_not_contiguous_is_read_right(tmp_path: Path) -> None:
    ids = np.arange(12).reshape(3, 4).T
    made = []
    for runtime in BOTH:
        with runtime.open_graph(encoder_bundle(tmp_path / runtime.name), WHOLE) as session:
            made.append(session.run({"input_ids": ids})["embedding"])
    np.testing.assert_array_equal(made[0], made[1])


OPEN = """
import json, os, sys
from ondol.engine import Engine
from ondol.errors import DeviceUnavailable
from ondol.reply import Limits
with Engine.open(sys.argv[1], device="capi") as engine:
    text = engine.reply("가나다", limits=Limits(max_tokens=8)).read()
print(json.dumps([text, "onnxruntime" in sys.modules, os.environ["ORT_DISABLE_TELEMETRY"]]))
"""


def test_the_python_package_is_not_imported(tiny: Tiny) -> None:
    bundle = tiny("gemma3")
    command = [sys.executable, "-W", "error", "-c", OPEN, str(bundle.path)]
    env = {**os.environ, "ORT_DISABLE_TELEMETRY": "0"}
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    with Engine.open(bundle) as engine:
        text = engine.reply("가나다", limits=Limits(max_tokens=8)).read()
    assert json.loads(ran.stdout) == [text, False, "1"] and ran.stderr == ""


def test_a_token_costs_four_calls(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    function, once = Api.function, Api.call

    def counted_once(api: Api, name: str, *arguments: object) -> None:
        calls.append(name)
        once(api, name, *arguments)

    def counted(api: Api, name: str) -> object:
        inner = function(api, name)

        def call(*arguments: object) -> object:
            calls.append(name)
            return inner(*arguments)

        return call

    monkeypatch.setattr(Api, "function", counted)
    monkeypatch.setattr(Api, "call", counted_once)
    with CapiRuntime().open(tiny("qwen3"), WHOLE) as session:
        session.append([1, 2, 3])
        session.append([4])  # binds the memory of one token, which stays
        calls.clear()
        session.append([5])
        session.append([6])
    token = ["CreateTensorWithDataAsOrtValue", "BindInput", "ReleaseValue", "RunWithBinding"]
    assert calls == token * 2


@pytest.mark.weights
def test_a_starter_gives_equal_tokens() -> None:
    bundle = starter_bundle("qwen")
    made = []
    for device in ("cpu", "capi"):
        with Engine.open(bundle, device=device, context=512) as engine:
            reply = engine.reply("대한민국의 수도는", limits=Limits(max_tokens=24))
            reply.read()
            made.append(reply.ids)
    assert made[0] == made[1] and len(made[0]) > 1


def test_it_comes_after_the_cpu() -> None:
    assert list(registry.DEVICES)[:2] == ["cpu", "capi"]
