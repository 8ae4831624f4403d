"""Graphs that ONNX Runtime does not load: what it lacks is told from what is broken."""

import shutil
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from graph_bundle import encoder_bundle
from ondol import registry
from ondol.bundle import Bundle, entry_of
from ondol.engine import Engine
from ondol.errors import CorruptBundle, UnsupportedOperators
from ondol.plan import Plan
from tiny_models import CONTEXT, Tiny

PLAN = Plan(CONTEXT, 1, True, False)


def graph(operator: str, domain: str = "", inputs: int = 1) -> bytes:
    """One node on bytes of any number."""
    data = helper.make_tensor_value_info("data", TensorProto.UINT8, ["n"])
    out = helper.make_tensor_value_info("out", TensorProto.UINT8, None)
    node = helper.make_node(operator, ["data"] * inputs, ["out"], "node", domain=domain)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid(domain or "com.microsoft", 1)]
    made = helper.make_graph([node], "one", [data], [out])
    model: onnx.ModelProto = helper.make_model(made, opset_imports=opsets, ir_version=10)
    return bytes(model.SerializeToString())


@pytest.mark.parametrize("device", ["cpu", "capi"])
@pytest.mark.parametrize(
    ("operator", "domain"),
    [
        ("Guess", "com.example"),
        ("Guess", "com.microsoft"),
        ("Guess", ""),
        ("ImageDecoder", ""),  # known, but without a kernel for the processor
    ],
)
def test_an_operator_it_lacks_is_named(
    operator: str, domain: str, device: str, tmp_path: Path
) -> None:
    bundle = encoder_bundle(tmp_path / "lacking", graph(operator, domain))
    with pytest.raises(UnsupportedOperators, match=f"lacks: .*{operator}") as caught:
        registry.runtime(device).open_graph(bundle, PLAN)
    assert domain in caught.value.why and caught.value.fix == "ondol lint lacking --target cpu"


@pytest.mark.parametrize("device", ["cpu", "capi"])
def test_a_node_that_is_wrong_is_a_broken_bundle(device: str, tmp_path: Path) -> None:
    bundle = encoder_bundle(tmp_path / "wrong", graph("ImageDecoder", inputs=2))
    with pytest.raises(CorruptBundle, match="input size 2"):
        registry.runtime(device).open_graph(bundle, PLAN)


@pytest.mark.parametrize("device", ["cpu", "capi", "lowmem", "reference"])
def test_a_decoder_is_opened_by_no_device_that_lacks_an_operator(
    device: str, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path))
    whole = tiny("gemma3")
    folder = Path(shutil.copytree(whole.path, tmp_path / "lacking"))
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    next(node for node in model.graph.node if node.op_type == "Mul").op_type = "Guess"
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    manifest, (variant,) = whole.manifest, whole.manifest.variants
    needs = replace(variant.needs, operators=("Guess", *variant.needs.operators))
    files = tuple(entry_of(folder, each.path) for each in manifest.files)
    variants = (replace(variant, needs=needs),)
    bundle = Bundle(folder, replace(manifest, files=files, variants=variants))
    with pytest.raises(UnsupportedOperators, match="lacks: Guess"):
        Engine.open(bundle, device=device)
