"""Graphs inside a `.ondol` file: the same tokens, mapped and not copied; lies are refused."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from encoder_bundles import embedder
from graph_bundle import encoder_bundle
from ondol.bundle import Bundle, entry_of
from ondol.encoder import Encoder
from ondol.engine import Engine
from ondol.errors import CorruptBundle
from ondol.manifest import MANIFEST
from ondol.packing import pack
from ondol.plan import Plan
from ondol.reply import Limits
from ondol.sampling import Sampling
from ondol.testing import check_runtime
from ondol.testing_graph import check_graph, feeds_for
from ondol_runtimes._packed import in_one_file
from ondol_runtimes.cpu import CpuRuntime
from tiny_models import CONTEXT, NAMES, Tiny, expected
from weights import starter_bundle

PLAN = Plan(CONTEXT, 1, False, False)  # prompts run through the prefill stages


@pytest.mark.parametrize("name", NAMES)
def test_the_same_logits_as_from_the_folder(name: str, tiny: Tiny, tmp_path: Path) -> None:
    known = expected(name)
    prompt = known.ids  # long enough for the stages
    made = []
    for bundle in (tiny(name), pack(tiny(name), tmp_path / "한 파일.ondol")):
        with CpuRuntime().open(bundle, PLAN) as session:
            made.append(session.append(prompt).copy())
            session.rewind(0)
            made.append(session.append_all(known.ids))
    np.testing.assert_array_equal(made[0], made[2])
    np.testing.assert_array_equal(made[1], made[3])


def test_a_packed_bundle_keeps_the_contract(tiny: Tiny, tmp_path: Path) -> None:
    check_runtime(CpuRuntime(), pack(tiny("gemma3"), tmp_path / "a.ondol"))


def test_a_packed_encoder_keeps_the_contract(tmp_path: Path) -> None:
    whole = encoder_bundle(tmp_path / "whole")
    packed = pack(whole, tmp_path / "a.ondol")
    check_graph(CpuRuntime(), packed)
    made = []
    for bundle in (whole, packed):
        with CpuRuntime().open_graph(bundle, PLAN) as session:
            made.append(session.run(feeds_for(session))["embedding"])
    np.testing.assert_array_equal(made[0], made[1])


def test_a_packed_embedder_gives_the_same_vectors(tmp_path: Path) -> None:
    whole = embedder(tmp_path / "whole")
    made = []
    for bundle in (whole, pack(whole, tmp_path / "a.ondol")):
        with Encoder.open(bundle, threads=1) as encoder:
            made.append(encoder.embed(["안녕하세요", "서울은 수도"]))
    np.testing.assert_array_equal(made[0], made[1])


def test_weights_are_mapped_from_the_file(tiny: Tiny, tmp_path: Path) -> None:
    packed = pack(tiny("qwen3"), tmp_path / "a.ondol")
    place = packed.place("weights.bin")
    with CpuRuntime().open(packed, PLAN):
        maps = Path("/proc/self/maps").read_text().splitlines()
        starts = {int(line.split()[2], 16) for line in maps if line.endswith(str(packed.path))}
        assert any(place.offset <= start < place.offset + place.size for start in starts)
    assert str(packed.path) not in Path("/proc/self/maps").read_text()


@pytest.mark.weights
def test_the_starter_gives_the_same_tokens(tmp_path: Path) -> None:
    whole = starter_bundle("gemma")
    said = []
    for bundle in (whole, pack(whole, tmp_path / "gemma.ondol")):
        with Engine.open(bundle, context=256) as engine:
            reply = engine.reply("대한민국의 수도는", Sampling(temperature=0.0), Limits(24))
            said.append(reply.read())
    assert said[0] == said[1] and said[0].strip()


def tensor(**entries: str) -> TensorProto:
    made = TensorProto(name="w", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        made.external_data.add(key=key, value=value)
    return made


def bundle_with(model: bytes, folder: Path) -> Bundle:
    """A packed bundle whose graph is `model`, with 64 bytes in weights.bin."""
    encoder_bundle(folder, model)
    (folder / "weights.bin").write_bytes(np.arange(16, dtype="<f4").tobytes())
    bundle = Bundle.open(folder)
    files = (*bundle.manifest.files, entry_of(folder, "weights.bin"))
    (folder / MANIFEST).write_text(replace(bundle.manifest, files=files).to_json())
    return pack(Bundle.open(folder), folder.with_suffix(".ondol"))


def model(initializers: Sequence[TensorProto], nodes: Sequence[onnx.NodeProto] = ()) -> bytes:
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy"]
    add = helper.make_node("Add", ["x", "w"], ["y"], "add")
    graph = helper.make_graph([*nodes, add], "g", info[:1], info[1:], list(initializers))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return bytes(made.SerializeToString())


def test_every_external_tensor_is_moved_and_nothing_else(tmp_path: Path) -> None:
    away = tensor(location="weights.bin", offset="16", length="16", checksum="0")
    here = TensorProto(name="here", data_type=1, dims=[1], raw_data=bytes(4))
    inner = helper.make_graph([], "inner", [], [], [away])
    nodes = [
        helper.make_node("If", ["x"], ["z"], then_branch=inner, else_branch=inner, note="글"),
        helper.make_node("Constant", [], ["c"], value=away, many=[away, here]),
    ]
    raw = model([away, here], nodes)
    bundle = bundle_with(raw, tmp_path / "a")
    place = bundle.place("weights.bin")
    found = onnx.load_model_from_string(in_one_file(bundle, "model.onnx"))
    moved = tensor(location="a.ondol", offset=str(place.offset + 16), length="16")
    wanted = model([moved, here], [])
    inside = helper.make_graph([], "inner", [], [], [moved])
    want = onnx.load_model_from_string(wanted)
    want.graph.ClearField("node")
    want.graph.node.extend(
        [
            helper.make_node("If", ["x"], ["z"], then_branch=inside, else_branch=inside, note="글"),
            helper.make_node("Constant", [], ["c"], value=moved, many=[moved, here]),
            helper.make_node("Add", ["x", "w"], ["y"], "add"),
        ]
    )
    # fields of a tensor may come in any order; parsed and written anew they are the same
    assert found.SerializeToString(deterministic=True) == want.SerializeToString(deterministic=True)


def test_a_moved_tensor_has_its_own_bytes(tmp_path: Path) -> None:
    raw = model([tensor(location="weights.bin", offset="16", length="16")])
    with CpuRuntime().open_graph(bundle_with(raw, tmp_path / "a"), PLAN) as session:
        made = session.run({"x": np.zeros(4, np.float32)})["y"]
    np.testing.assert_array_equal(made, np.arange(4, 8, dtype=np.float32))


@pytest.mark.parametrize(
    "entries",
    [
        {"location": "../secret", "length": "16"},
        {"location": "a.ondol", "length": "16"},
        {"location": "manifest.json", "length": "16"},
        {"length": "16"},
        {"location": "weights.bin"},
        {"location": "weights.bin", "offset": "56", "length": "16"},
        {"location": "weights.bin", "offset": "-4", "length": "16"},
        {"location": "weights.bin", "offset": "0", "length": "-16"},
        {"location": "weights.bin", "offset": str(1 << 70), "length": "16"},
        {"location": "weights.bin", "offset": "x", "length": "16"},
        {},
    ],
)
def test_weights_outside_their_file_are_refused(entries: dict[str, str], tmp_path: Path) -> None:
    bundle = bundle_with(model([tensor(**entries)]), tmp_path / "a")
    with pytest.raises(CorruptBundle):
        CpuRuntime().open_graph(bundle, PLAN)


def test_a_tensor_in_two_halves_cannot_point_elsewhere(tmp_path: Path) -> None:
    """Protobuf joins a field that comes twice: entries here, the word that they count there."""
    entry = TensorProto(name="w", data_type=1, dims=[4])
    entry.external_data.add(key="location", value="../secret")
    entry.external_data.add(key="length", value="16")
    says = TensorProto(data_location=TensorProto.EXTERNAL)
    for name, parts in (("a", [entry, says]), ("b", [says, entry])):
        bundle = bundle_with(model(parts), tmp_path / name)
        with pytest.raises(CorruptBundle):
            in_one_file(bundle, "model.onnx")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x3a\x05abc",  # a graph longer than the file
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a number without an end
        b"\x3b\x3c",  # a group
        b"\x02\x00",  # field 0
        b"\x3a",
        b"\x3a\x02\x0a\x7f",
    ],
)
def test_bytes_that_are_no_graph_are_refused(raw: bytes, tmp_path: Path) -> None:
    bundle = bundle_with(raw, tmp_path / "a")
    with pytest.raises(CorruptBundle, match="cannot be loaded"):
        in_one_file(bundle, "model.onnx")


def test_nesting_has_an_end(tmp_path: Path) -> None:
    raw = b""
    for field in (0x32, 0x2A, 0x0A) * 40:  # an attribute's graph, a node's attribute, a node
        size = len(raw)
        raw = (
            bytes([field])
            + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7]))
            + raw
        )
    size = len(raw)
    raw = b"\x3a" + bytes([size & 127 | 128, size >> 7]) + raw
    with pytest.raises(CorruptBundle, match="too deep"):
        in_one_file(bundle_with(raw, tmp_path / "a"), "model.onnx")


def test_stages_of_a_moved_file_are_found(tiny: Tiny, tmp_path: Path) -> None:
    pack(tiny("gemma3"), tmp_path / "a.ondol")
    (tmp_path / "far").mkdir()
    moved = shutil.move(tmp_path / "a.ondol", tmp_path / "far" / "b.ondol")
    with CpuRuntime().open(Bundle.open(Path(moved)), PLAN) as session:
        assert np.isfinite(session.append(expected("gemma3").ids)).all()
