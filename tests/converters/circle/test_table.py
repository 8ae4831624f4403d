"""What targets/one.toml says onert does wrong or refuses, it does: a new onert is noticed here."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import circle_schema.v0_10.circle as schema
import numpy as np
import pytest
from numpy.typing import NDArray

from circle_runner import prepared
from ondol.errors import CorruptBundle, DeviceError
from ondol_converters.circle.file import KINDS, NOTHING, CircleFile, Value
from ondol_converters.circle.translation import options

Array = NDArray[Any]
GROUP = 32


def numbers(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(11).standard_normal(shape).astype(np.float32)


def made(
    folder: Path,
    file: CircleFile,
    outputs: Sequence[Value],
    feeds: Mapping[str, Array],
) -> list[Array]:
    for number, value in enumerate(outputs):
        file.output(f"y{number}", value)
    graph = prepared(file, folder, {name: array.shape for name, array in feeds.items()})
    for name, array in feeds.items():
        graph.feed(name, array)
    graph.run()
    return [graph.output(f"y{number}") for number in range(len(outputs))]


def split(folder: Path) -> bool:
    file, x = CircleFile("split"), numbers(3, 64)
    inputs = [
        file.input("x", "float32", x.shape),
        file.constant("sizes", np.array([40, 24], np.int32)),
        file.constant("axis", np.array([1], np.int32)),
    ]
    parts = [("a", "float32", (3, 40)), ("b", "float32", (3, 24))]
    found = file.operator("SPLIT_V", inputs, parts, options("SplitVOptions", numSplits=2))
    return bool(np.array_equal(made(folder, file, found, {"x": x})[0], x[:, :40].reshape(-1)))


def rope(folder: Path, positions: int = 3) -> bool:
    file, x = CircleFile("rope"), numbers(1, 4, positions, 16)
    angles = np.concatenate([numbers(1, 1, positions, 8)] * 2, axis=-1)
    feeds = {"x": x, "sin": np.sin(angles), "cos": np.cos(angles)}
    inputs = [file.input(name, "float32", array.shape) for name, array in feeds.items()]
    value = file.operator("ROPE", inputs, [("y", "float32", x.shape)], options("RoPEOptions"))
    exchanged = np.concatenate([-x[..., 8:], x[..., :8]], axis=-1)
    wanted = x * feeds["cos"] + exchanged * feeds["sin"]
    return bool(np.allclose(made(folder, file, value, feeds)[0], wanted.reshape(-1), atol=1e-5))


def rms_norm(folder: Path, rows: int = 5) -> bool:
    file, x = CircleFile("norm"), numbers(1, rows, 64)
    inputs = [file.input("x", "float32", (1, 1, 64)), file.constant("g", np.ones(64, np.float32))]
    said = options("RmsNormOptions", epsilon=1e-6)
    value = file.operator("RMS_NORM", inputs, [("y", "float32", (1, 1, 64))], said)
    wanted = x / np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + 1e-6)
    return bool(np.allclose(made(folder, file, value, {"x": x})[0], wanted.reshape(-1), atol=1e-5))


def gather_q8_0(folder: Path) -> bool:
    file, ids = CircleFile("gather"), np.array([1, 0], np.int32)
    raw = np.zeros((4, 2 + GROUP), np.uint8)
    table = file.weight("t", "q8_0", (4, GROUP), raw.nbytes, lambda: [raw])
    inputs = [table, file.input("x", "int32", ids.shape)]
    said = options("GatherOptions", axis=0)
    value = file.operator("GATHER", inputs, [("y", "float32", (2, GROUP))], said)
    return not made(folder, file, value, {"x": ids})[0].any()


def cast(folder: Path) -> bool:
    file, ids = CircleFile("cast"), np.array([1, 0], np.int32)
    bytes_ = np.arange(8, dtype=np.uint8).reshape(2, 4)
    table, x = file.constant("t", bytes_), file.input("x", "int32", ids.shape)
    said = options("GatherOptions", axis=0)
    (picked,) = file.operator("GATHER", [table, x], [("p", "uint8", (2, 4))], said)
    for each in (table, picked):
        file.quantised(each, 1.0, 0)
    kinds = options("CastOptions", inDataType=KINDS["uint8"], outDataType=KINDS["float32"])
    value = file.operator("CAST", [picked], [("y", "float32", (2, 4))], kinds)
    return bool(np.array_equal(made(folder, file, value, {"x": ids})[0], bytes_[ids].reshape(-1)))


def int8_rows(folder: Path) -> bool:
    """Two rows of one value, the second's scale ten times the first's."""
    file, x = CircleFile("int8"), np.ones((1, GROUP), np.float32)
    weights = file.constant("w", np.ones((2, GROUP), np.uint8))
    file.quantised(weights, 0.01, 0)
    tensor = file._tensors[weights.index]  # the writer itself makes no int8
    tensor.type = schema.TensorType.TensorType.INT8
    tensor.quantization.scale, tensor.quantization.zeroPoint = [0.01, 0.1], [0, 0]
    inputs = [file.input("x", "float32", x.shape), weights, NOTHING]
    outputs = [("y", "float32", (1, 2))]
    value = file.operator("FULLY_CONNECTED", inputs, outputs, options("FullyConnectedOptions"))
    first, second = made(folder, file, value, {"x": x})[0]
    assert np.isclose(first, 0.32, rtol=0.05)
    return bool(np.isclose(second, 3.2, rtol=0.05))


TRIED = {
    ("SPLIT_V", "wrong"): split,
    ("ROPE", "wrong"): rope,
    ("RMS_NORM", "fixed"): rms_norm,
    ("GATHER", "refused"): gather_q8_0,
    ("CAST", "refused"): cast,
    ("FULLY_CONNECTED", "wrong"): int8_rows,
}


@pytest.mark.parametrize("row", TRIED)
def test_what_is_not_right_is_not_right(row: tuple[str, str], tmp_path: Path) -> None:
    refuses = row[1] != "wrong"
    if refuses:
        with pytest.raises((CorruptBundle, DeviceError), match="onert"):
            TRIED[row](tmp_path)
    else:
        assert not TRIED[row](tmp_path)


def test_where_it_is_said_to_be_right_it_is(tmp_path: Path) -> None:
    assert rope(tmp_path, positions=1) and rms_norm(tmp_path, rows=1)


def test_every_row_that_is_not_right_is_tried() -> None:
    text = (files("ondol_converters.targets") / "one.toml").read_text("utf-8")
    rows = {(row["name"], row["state"]) for row in tomllib.loads(text)["operator"]}
    assert {row for row in rows if row[1] != "right"} - set(TRIED) == {
        ("FULLY_CONNECTED", "refused")  # of int8 activations, which nothing here makes
    }
