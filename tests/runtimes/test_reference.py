"""The oracle's operators against ONNX Runtime's, on small random graphs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from ondol.device import State
from ondol.errors import CorruptBundle, DeviceUnavailable
from ondol.plan import Plan
from ondol_runtimes._program import KNOWN, Program
from ondol_runtimes.reference import ReferenceRuntime
from tiny_models import CONTEXT, Tiny, expected

Array = NDArray[Any]
Attributes = Mapping[str, int | float]

# Both compute in float32 here, in another order, and ONNX Runtime's tanh is a rational fit.
CLOSE = 2e-5

RANDOM = np.random.default_rng(11)
TYPES = {"f": TensorProto.FLOAT, "i": TensorProto.INT64, "u": TensorProto.UINT8}


def floats(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32)


def whole(*values: int) -> Array:
    return np.array(values, np.int64)


def model(kind: str, inputs: list[Array | None], attributes: Attributes, outputs: int) -> bytes:
    """A graph of one node."""
    domain, _, op = kind.rpartition("::")
    names = ["" if value is None else f"in{i}" for i, value in enumerate(inputs)]
    made = [f"out{i}" for i in range(outputs)]
    node = helper.make_node(op, names, made, "tested", domain=domain, **attributes)
    given = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), None)
        for name, value in zip(names, inputs, strict=True)
        if value is not None
    ]
    given = [value for value in given if value.name]
    out = [onnx.ValueInfoProto(name=name) for name in made]
    graph = helper.make_graph([node], "one", given, out)
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    whole_model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    return bytes(whole_model.SerializeToString())


def both(
    kind: str, inputs: list[Array | None], attributes: Attributes, outputs: int = 1
) -> list[tuple[Array, Array]]:
    """What the oracle and ONNX Runtime make of a node, output by output."""
    made = model(kind, inputs, attributes, outputs)
    feeds = {f"in{i}": value for i, value in enumerate(inputs) if value is not None}
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(made, options, providers=["CPUExecutionProvider"])
    theirs = session.run(None, feeds)
    copies = {name: value.copy() for name, value in feeds.items()}  # a cache is written in place
    ours = Program(made, Path, np.float32).run(copies)
    return [(ours[f"out{i}"], theirs[i]) for i in range(outputs)]


def agree(pairs: list[tuple[Array, Array]]) -> None:
    for ours, theirs in pairs:
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=CLOSE, atol=CLOSE)


PLAIN: dict[str, tuple[str, list[Array | None], Attributes, int]] = {
    "add": ("Add", [floats(2, 3, 4), floats(4)], {}, 1),
    "sub": ("Sub", [whole(5, 6), whole(1)], {}, 1),
    "mul": ("Mul", [floats(2, 3), floats(1)], {}, 1),
    "cast": ("Cast", [whole(1, 2, 3)], {"to": TensorProto.INT32}, 1),
    "concat": ("Concat", [floats(2, 3), floats(2, 5)], {"axis": -1}, 1),
    "gather": ("Gather", [floats(6, 4), whole(5, 0, 5)[None]], {"axis": 0}, 1),
    "range": ("Range", [np.array(0), np.array(7), np.array(2)], {}, 1),
    "sum": ("ReduceSum", [floats(3, 4), whole(1)], {"keepdims": 0}, 1),
    "sum all": ("ReduceSum", [floats(3, 4)], {}, 1),
    "reshape": ("Reshape", [floats(1, 5, 8), whole(0, 0, -1, 4)], {}, 1),
    "shape": ("Shape", [floats(1, 5, 8)], {"start": 1}, 1),
    "shape end": ("Shape", [floats(1, 5, 8)], {"start": 0, "end": -1}, 1),
    "slice last": ("Slice", [floats(1, 5, 8), whole(-1), whole(1 << 62), whole(1)], {}, 1),
    "slice step": ("Slice", [floats(9), whole(8), whole(-99), whole(0), whole(-2)], {}, 1),
    "split": ("Split", [floats(1, 3, 9), whole(4, 3, 2)], {"axis": -1}, 3),
    "squeeze": ("Squeeze", [whole(7)], {}, 1),
    "squeeze axis": ("Squeeze", [floats(1, 3, 1), whole(2)], {}, 1),
    "norm": ("SimplifiedLayerNormalization", [floats(2, 3, 8), floats(8)], {"epsilon": 1e-6}, 1),
    "gelu": ("com.microsoft::FastGelu", [floats(2, 9) * 4], {}, 1),
    "gelu bias": ("com.microsoft::FastGelu", [floats(2, 9), floats(9)], {}, 1),
    "silu": ("com.microsoft::QuickGelu", [floats(2, 9) * 20], {"alpha": 1.0}, 1),
    "matmul": ("com.microsoft::FusedMatMul", [floats(1, 3, 8), floats(5, 8)], {"transB": 1}, 1),
    "matmul alpha": ("com.microsoft::FusedMatMul", [floats(3, 8), floats(8, 5)], {"alpha": 0.5}, 1),
}


@pytest.mark.parametrize("name", PLAIN)
def test_operators_agree_with_onnxruntime(name: str) -> None:
    agree(both(*PLAIN[name]))


def test_skip_norm_agrees_with_onnxruntime() -> None:
    kind = "com.microsoft::SkipSimplifiedLayerNormalization"
    pairs = both(kind, [floats(1, 3, 8), floats(1, 3, 8), floats(8)], {"epsilon": 1e-6}, 4)
    agree([pairs[0], pairs[3]])


def quantised(rows: int, columns: int, bits: int, block: int) -> tuple[Array, Array]:
    blocks = -(-columns // block)
    quants = RANDOM.integers(0, 256, (rows, blocks, block * bits // 8), np.uint8)
    return quants, np.abs(floats(rows, blocks)) * 0.1


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize(("block", "columns"), [(16, 48), (32, 96), (32, 80), (64, 64)])
@pytest.mark.parametrize("biased", [False, True])
def test_quantised_products_agree(bits: int, block: int, columns: int, biased: bool) -> None:
    quants, scales = quantised(7, columns, bits, block)
    said = {"K": columns, "N": 7, "bits": bits, "block_size": block}
    inputs: list[Array | None] = [floats(1, 3, columns), quants, scales]
    if biased:
        inputs += [None, None, floats(7)]
    agree(both("com.microsoft::MatMulNBits", inputs, said))


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("block", [16, 32])
def test_quantised_rows_agree(bits: int, block: int) -> None:
    quants, scales = quantised(9, 96, bits, block)
    inputs: list[Array | None] = [quants.reshape(9, -1), whole(8, 0, 3, 3)[None], scales]
    said = {"bits": bits, "block_size": block, "gather_axis": 0, "quantize_axis": 1}
    agree(both("com.microsoft::GatherBlockQuantized", inputs, said))


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "apart"])
@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 2), (3, 1), (2, 2)])
@pytest.mark.parametrize(
    ("before", "count", "window"), [(0, 9, -1), (0, 9, 4), (6, 1, 3), (5, 4, 3)]
)
def test_attention_agrees(
    packed: bool, interleaved: int, heads: int, kv_heads: int, before: int, count: int, window: int
) -> None:
    size, capacity, total = 16, 24, before + count
    q, k, v = (floats(1, count, n * size) for n in (heads, kv_heads, kv_heads))
    qkv: list[Array | None] = [np.concatenate([q, k, v], 2), None, None] if packed else [q, k, v]
    angles = RANDOM.uniform(0, 6, (capacity, size // 2))
    past: list[Array] = [floats(1, kv_heads, capacity, size) for _ in range(2)]
    inputs: list[Array | None] = [
        *qkv,
        *past,
        np.array([total - 1], np.int32),
        np.array(total, np.int32),
        np.cos(angles).astype(np.float32),
        np.sin(angles).astype(np.float32),
    ]
    said = {
        "num_heads": heads,
        "kv_num_heads": kv_heads,
        "do_rotary": 1,
        "rotary_interleaved": interleaved,
        "scale": 0.31,
        "local_window_size": window,
    }
    attended, keys, values = both("com.microsoft::GroupQueryAttention", inputs, said, 3)
    agree([attended])
    # Past the filled positions ONNX Runtime leaves what it likes
    agree([(ours[:, :, :total], theirs[:, :, :total]) for ours, theirs in (keys, values)])


def test_every_operator_is_tested_here() -> None:
    here = {kind for kind, *_ in PLAIN.values()} | {
        "com.microsoft::GatherBlockQuantized",
        "com.microsoft::GroupQueryAttention",
        "com.microsoft::MatMulNBits",
        "com.microsoft::SkipSimplifiedLayerNormalization",
    }
    assert here == set(KNOWN)


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
    facts = bundle.manifest.model
    feeds: dict[str, Array] = {
        value.name: np.zeros((1, facts.kv_heads, CONTEXT, facts.head_dim), np.float32)
        for value in session.get_inputs()
        if value.name.startswith("past")
    }
    feeds["input_ids"] = np.array([known.ids], np.int64)
    feeds["attention_mask"] = np.ones((1, len(known.ids)), np.int64)
    feeds["logits_from"] = whole(0)
    (theirs,) = session.run(["logits"], feeds)
    made.unlink()
    with ReferenceRuntime().open(bundle, Plan(CONTEXT, 1, True, False)) as oracle:
        ours = oracle.append_all(known.ids)
    assert np.abs(ours - theirs[0]).max() <= CLOSE * np.abs(ours).max()


def test_an_unknown_operator_is_named() -> None:
    with pytest.raises(DeviceUnavailable, match="com.example::Guess"):
        Program(model("com.example::Guess", [floats(1)], {}, 1), Path)
    with pytest.raises(DeviceUnavailable, match=r"GroupQueryAttention.smooth_softmax"):
        said = {"num_heads": 1, "kv_num_heads": 1, "smooth_softmax": 1}
        Program(model("com.microsoft::GroupQueryAttention", [floats(1)], said, 1), Path)


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
    program = Program(model(kind, inputs, said, 1), Path)
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
    found = Program(made, lambda name: tmp_path / name).run({"x": np.ones(4)})["y"]
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
        Program(external(file, **entries), lambda name: tmp_path / name)


def test_external_weights_must_be_a_file_of_the_bundle(tiny: Tiny) -> None:
    with pytest.raises(CorruptBundle, match=r"\.\./secret"):
        Program(external(Path("x"), location="../secret"), tiny("qwen3").file)


def test_shapes_that_lie_are_refused() -> None:
    for dims in ([1 << 62, 1 << 62], [-4], [3]):
        tensor = TensorProto(name="w", data_type=1, dims=dims, raw_data=bytes(16))
        graph = helper.make_graph([], "lies", [], [], [tensor])
        with pytest.raises(CorruptBundle, match="w: "):
            Program(helper.make_model(graph).SerializeToString(), Path)


@pytest.mark.parametrize("made", [b"", b"\xff" * 64, b"PK\x03\x04"])
def test_what_is_no_graph_computes_nothing(made: bytes, tiny: Tiny) -> None:
    bundle = tiny("qwen3")
    if made:
        with pytest.raises(CorruptBundle):
            Program(made, bundle.file)
    else:
        assert Program(made, bundle.file).outputs == ()


def test_values_must_be_made_before_they_are_used() -> None:
    nodes = [helper.make_node("Add", ["x", "late"], ["y"], "early")]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    made = helper.make_model(helper.make_graph(nodes, "late", [x], [y]))
    with pytest.raises(CorruptBundle, match="late"):
        Program(made.SerializeToString(), Path)
    made = helper.make_model(helper.make_graph([], "empty", [x], [y]))
    with pytest.raises(CorruptBundle, match="output y"):
        Program(made.SerializeToString(), Path)


def test_without_onnx_the_probe_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    report = ReferenceRuntime().probe()
    assert report.state is State.MISSING_SOFTWARE
    assert report.fix == 'pip install "ondol[converters]"'
