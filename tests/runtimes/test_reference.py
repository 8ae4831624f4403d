"""The reference device: its numbers, and graphs that lie."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from ondol.archive import Place
from ondol.device import State
from ondol.errors import CorruptBundle, DeviceUnavailable, OndolError
from ondol.plan import Plan
from ondol_runtimes._program import Program
from ondol_runtimes.reference import ReferenceRuntime
from onnx_maker import Array, Attributes, floats, model, nowhere, whole
from tiny_models import CONTEXT, Tiny, expected


@pytest.mark.parametrize("name", ["gemma3", "llama3", "qwen2", "qwen3"])
def test_the_8_bit_graph_in_float_arithmetic_agrees(name: str, tiny: Tiny) -> None:
    """Without rounded activations the CPU's kernels give what the oracle gives."""
    bundle, known = tiny(name), expected(name)
    graph = onnx.load(bundle.path / "model.onnx", load_external_data=False)
    for node in graph.graph.node:
        for attribute in node.attribute:
            if attribute.name == "accuracy_level":
                attribute.i = 1  # float32
    made = bundle.path / "float.onnx"
    made.write_bytes(graph.SerializeToString())
    session = ort.InferenceSession(str(made), providers=["CPUExecutionProvider"])
    facts = bundle.decoder
    feeds: dict[str, Array] = {
        value.name: np.zeros((1, facts.kv_heads, CONTEXT, facts.head_dim), np.float32)
        for value in session.get_inputs()
        if value.name.startswith("past")
    }
    feeds["input_ids"] = np.array([known.ids], np.int64)
    feeds["attention_mask"] = np.ones((1, len(known.ids)), np.int64)
    feeds["logits_from"] = whole(0)
    theirs: Array = np.asarray(session.run(["logits"], feeds)[0])
    made.unlink()
    with ReferenceRuntime().open(bundle, Plan(CONTEXT, 1, True, False)) as oracle:
        ours = oracle.append_all(known.ids)
    assert np.abs(ours - theirs[0]).max() <= 2e-5 * np.abs(ours).max()


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(DeviceUnavailable, match="com.example::Guess"):
        Program(model("com.example::Guess", [floats(1)], {}, 1), nowhere)
    with pytest.raises(DeviceUnavailable, match=r"GroupQueryAttention.smooth_softmax"):
        said = {"num_heads": 1, "kv_num_heads": 1, "smooth_softmax": 1}
        Program(model("com.microsoft::GroupQueryAttention", [floats(1)], said, 1), nowhere)


@pytest.mark.parametrize(
    ("kind", "inputs", "said"),
    [
        ("Add", [floats(2), floats(3)], {}),
        ("Gather", [floats(2, 2), whole(2)], {}),
        ("Cast", [floats(2)], {"to": 999}),
        ("Reshape", [floats(6), whole(4, -1)], {}),
        ("Split", [floats(6), whole(9, -3)], {"axis": 0}),
        ("Slice", [floats(6), whole(0), whole(1), whole(3)], {}),
        ("com.microsoft::MatMulNBits", [floats(1, 8)], {"K": 8, "N": 1}),
        ("com.microsoft::GroupQueryAttention", [floats(1, 1, 4)], {"num_heads": 0}),
    ],
)
def test_a_node_that_cannot_be_is_named(
    kind: str, inputs: list[Array | None], said: Attributes
) -> None:
    program = Program(model(kind, inputs, said, 1), nowhere)
    with pytest.raises(CorruptBundle, match="tested"):
        program.run({f"in{i}": value for i, value in enumerate(inputs) if value is not None})


def external(path: Path, **entries: str) -> bytes:
    """A graph that adds to a tensor in a file."""
    tensor = TensorProto(name="w", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in {"location": path.name, "offset": "0", **entries}.items():
        tensor.external_data.add(key=key, value=value)
    add = helper.make_node("Add", ["x", "w"], ["y"], "add")
    info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy"]
    graph = helper.make_graph([add], "external", info[:1], info[1:], [tensor])
    return bytes(helper.make_model(graph).SerializeToString())


def test_external_weights_are_mapped(tmp_path: Path) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(bytes(8) + np.arange(4, dtype="<f4").tobytes())
    made = external(file, offset="8", length="16")
    found = Program(made, lambda name: Place.whole(tmp_path / name)).run({"x": np.ones(4)})["y"]
    assert found.tolist() == [1, 2, 3, 4] and found.dtype == np.float64


@pytest.mark.parametrize(
    "entries",
    [
        {"offset": "9"},
        {"offset": "-8"},
        {"offset": str(1 << 70)},
        {"offset": "none"},
        {"length": "8"},
        {"length": "-16"},
    ],
)
def test_external_weights_outside_their_file_are_refused(
    entries: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "weights.bin"
    file.write_bytes(bytes(24))
    with pytest.raises(CorruptBundle, match="w: "):
        Program(external(file, **entries), lambda name: Place.whole(tmp_path / name))


def test_external_weights_must_be_a_file_of_the_bundle(tiny: Tiny) -> None:
    with pytest.raises(CorruptBundle, match=r"\.\./secret"):
        Program(external(Path("x"), location="../secret"), tiny("qwen3").place)


def test_shapes_that_lie_are_refused() -> None:
    for dims in ([1 << 62, 1 << 62], [-4], [3]):
        tensor = TensorProto(name="w", data_type=1, dims=dims, raw_data=bytes(16))
        graph = helper.make_graph([], "lies", [], [], [tensor])
        with pytest.raises(CorruptBundle, match="w: "):
            Program(helper.make_model(graph).SerializeToString(), nowhere)


@pytest.mark.parametrize("made", [b"", b"\xff" * 64, b"PK\x03\x04"])
def test_what_is_no_graph_computes_nothing(made: bytes, tiny: Tiny) -> None:
    bundle = tiny("qwen3")
    if made:
        with pytest.raises(CorruptBundle):
            Program(made, bundle.place)
    else:
        assert Program(made, bundle.place).outputs == ()


@given(flips=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(1, 255)), max_size=3))
@settings(max_examples=200, deadline=None)
def test_flipped_bytes_raise_nothing_else(flips: list[tuple[int, int]], tiny: Tiny) -> None:
    bundle = tiny("qwen3")
    made = bytearray((bundle.path / "model.onnx").read_bytes())
    for at, bits in flips:
        made[at % len(made)] ^= bits
    shape = (1, bundle.decoder.kv_heads, 16, bundle.decoder.head_dim)
    feeds: dict[str, Array] = {
        f"past_key_values.{i}.{part}": np.zeros(shape, np.float32)
        for i in range(bundle.decoder.layers)
        for part in ("key", "value")
    }
    feeds |= {"input_ids": whole(1, 2)[None], "attention_mask": whole(1, 1)[None]}
    feeds["logits_from"] = whole(-1)
    try:
        assert list(Program(bytes(made), bundle.place, np.float32).run(feeds, ["logits"]))
    except OndolError:
        assert flips


def test_values_must_be_made_before_they_are_used() -> None:
    nodes = [helper.make_node("Add", ["x", "late"], ["y"], "early")]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    made = helper.make_model(helper.make_graph(nodes, "late", [x], [y]))
    with pytest.raises(CorruptBundle, match="late"):
        Program(made.SerializeToString(), nowhere)
    add = helper.make_node("Add", ["x", "x"], ["y"], "add")
    program = Program(
        helper.make_model(helper.make_graph([add], "small", [x], [y])).SerializeToString(), nowhere
    )
    with pytest.raises(CorruptBundle, match="input x"):
        program.run({})
    with pytest.raises(CorruptBundle, match="output logits"):
        program.run({"x": np.ones(1)}, ["logits"])
    made = helper.make_model(helper.make_graph([], "empty", [x], [y]))
    with pytest.raises(CorruptBundle, match="output y"):
        Program(made.SerializeToString(), nowhere)


def test_without_onnx_the_probe_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    report = ReferenceRuntime().probe()
    assert report.state is State.MISSING_SOFTWARE
    assert report.fix == 'pip install "ondol[converters]"'
