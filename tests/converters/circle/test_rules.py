"""Each rule's circle operators on onert, beside ONNX Runtime, with inputs resized."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from circle_runner import MICROSOFT, Arrays, model_of, on_onert, on_onnxruntime
from ondol.errors import OptionError
from ondol_converters.circle.rules import RULES
from ondol_converters.circle.translation import translate

SEED = 7
DECLARED, ROWS = 1, 5
CLOSE = 2e-6  # of the largest value: float32 sums in another order
BLOCKS = 2e-2  # activations in 8 bits, each engine in its own way


def numbers(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(SEED).standard_normal(shape).astype(np.float32)


def ints(*values: int) -> NDArray[np.int64]:
    return np.array(values, np.int64)


GAMMA = {"gamma": 1 + numbers(64), "beta": numbers(64)}
X = (0, 64)  # 0 stands for the rows

CASES: dict[str, tuple[str, dict[str, tuple[int, ...]], Arrays, dict[str, Any]]] = {
    "Add": ("Add", {"x": X, "y": X}, {}, {}),
    "Add, of a constant": ("Add", {"x": X}, {"c": numbers(64)}, {}),
    "Add, broadcast in front": ("Add", {"x": (2, 3, 0, 64), "y": X}, {}, {}),
    "Concat": ("Concat", {"x": (2, 6, 8), "y": (2, 0, 8)}, {}, {"axis": 1}),
    "Concat, last": ("Concat", {"x": (0, 6, 8), "y": (0, 6, 3)}, {}, {"axis": -1}),
    "Div": ("Div", {"x": X}, {"c": 2 + np.abs(numbers(64))}, {}),
    "Gather": ("Gather", {"x": X}, {"at": np.array([0], np.int32)}, {"axis": 0}),
    "LayerNormalization": ("LayerNormalization", {"x": X}, GAMMA, {"epsilon": 1e-5, "axis": -1}),
    "Mul": ("Mul", {"x": (0, 4, 64), "y": (0, 1, 64)}, {}, {}),
    "ReduceSum": ("ReduceSum", {"x": X}, {"axes": ints(0)}, {"keepdims": 1}),
    "ReduceSum, last": ("ReduceSum", {"x": X}, {"axes": ints(-1)}, {"keepdims": 0}),
    "Reshape": ("Reshape", {"x": X}, {"shape": ints(-1, 4, 16)}, {}),
    "Sigmoid": ("Sigmoid", {"x": X}, {}, {}),
    "RMSNorm": (
        "SimplifiedLayerNormalization",
        {"x": (0, 4, 64)},
        {"gamma": GAMMA["gamma"]},
        {"epsilon": 1e-6, "axis": -1},
    ),
    "Softmax": ("Softmax", {"x": (2, 3, 0, 64)}, {}, {"axis": -1}),
    "Split": ("Split", {"x": X}, {"sizes": ints(40, 24)}, {"axis": -1}),
    "Sqrt": ("Sqrt", {"x": X}, {}, {}),
    "Sub": ("Sub", {"x": X}, {"c": numbers(1)}, {}),
    "Tanh": ("Tanh", {"x": X}, {}, {}),
    "Transpose": ("Transpose", {"x": (0, 4, 16)}, {}, {"perm": [1, 0, 2]}),
    "Unsqueeze": ("Unsqueeze", {"x": X}, {"axes": ints(1)}, {}),
    "FastGelu": (f"{MICROSOFT}::FastGelu", {"x": X}, {}, {}),
    "Gelu": (f"{MICROSOFT}::Gelu", {"x": X}, {}, {}),
    "product": (f"{MICROSOFT}::FusedMatMul", {"x": X}, {"w": numbers(32, 64)}, {"transB": 1}),
    "products": (f"{MICROSOFT}::FusedMatMul", {"x": (2, 4, 0, 16), "y": (2, 1, 16, 9)}, {}, {}),
    "products, transposed": (
        f"{MICROSOFT}::FusedMatMul",
        {"x": (2, 4, 0, 16), "y": (2, 1, 9, 16)},
        {},
        {"transB": 1},
    ),
}


def drawn(case: str) -> tuple[onnx.ModelProto, Arrays]:
    """The case's model, declared for one row, and inputs of more."""
    op, inputs, constants, attributes = CASES[case]
    domain, _, kind = op.rpartition("::")
    outputs = ["y0", "y1"] if kind == "Split" else ["y0"]
    node = helper.make_node(
        kind, [*inputs, *constants], outputs, "the node", domain=domain, **attributes
    )
    feeds = {
        name: np.abs(numbers(*(size or ROWS for size in shape))) for name, shape in inputs.items()
    }
    declared = {
        name: np.zeros([size or DECLARED for size in shape], np.float32)
        for name, shape in inputs.items()
    }
    return model_of([node], declared, outputs, constants), feeds


@pytest.mark.parametrize("case", CASES)
def test_a_rule_computes_what_onnxruntime_does(case: str, tmp_path: Path) -> None:
    model, feeds = drawn(case)
    found = on_onert(model, tmp_path, feeds)
    for name, wanted in on_onnxruntime(model, feeds).items():
        assert found[name].size == wanted.size
        assert np.abs(found[name] - wanted.reshape(-1)).max() <= CLOSE * np.abs(wanted).max()


def blocks(bits: int, block: int, rows: int = 48, columns: int = 64) -> tuple[Any, Any]:
    """Quants and scales as MatMulNBits has them."""
    rng = np.random.default_rng(SEED)
    each = block * bits // 8
    quants = rng.integers(0, 256, (rows, columns // block, each), np.uint8)
    scales = rng.uniform(0.01, 0.02, (rows, columns // block)).astype(np.float16)
    return quants, scales.astype(np.float32)


def of_blocks(kind: str, bits: int, block: int, columns: int = 64) -> onnx.ModelProto:
    quants, scales = blocks(bits, block, columns=columns)
    if kind == "MatMulNBits":
        said: dict[str, Any] = {"K": columns, "N": 48}
        inputs, shape, dtype = ["x", "q", "s"], [DECLARED, columns], "float32"
    else:
        said = {"gather_axis": 0, "quantize_axis": 1}
        inputs, shape, dtype = ["q", "x", "s"], [DECLARED], "int32"
        quants = quants.reshape(len(quants), -1)
    said |= {"bits": bits, "block_size": block}
    node = helper.make_node(kind, inputs, ["y"], "the node", domain=MICROSOFT, **said)
    return model_of([node], {"x": np.zeros(shape, dtype)}, ["y"], {"q": quants, "s": scales})


@pytest.mark.parametrize(("bits", "block"), [(4, 32), (4, 64), (8, 32), (8, 128), (8, 16), (4, 16)])
def test_products_with_blocks_are_near_onnxruntime(bits: int, block: int, tmp_path: Path) -> None:
    columns = max(64, block)
    model = of_blocks("MatMulNBits", bits, block, columns)
    feeds = {"x": numbers(ROWS, columns)}
    found = on_onert(model, tmp_path, feeds)["y"]
    wanted = on_onnxruntime(model, feeds)["y"].reshape(-1)
    assert np.abs(found - wanted).max() <= BLOCKS * np.abs(wanted).max()


@pytest.mark.parametrize(("bits", "block"), [(4, 32), (8, 32), (8, 64), (8, 16), (4, 16)])
def test_rows_of_blocks_are_exact(bits: int, block: int, tmp_path: Path) -> None:
    model = of_blocks("GatherBlockQuantized", bits, block)
    feeds = {"x": np.array([3, 0, 47, 3, 8], np.int32)}
    found = on_onert(model, tmp_path, feeds)["y"]
    assert np.array_equal(found, on_onnxruntime(model, feeds)["y"].reshape(-1))


def test_rows_that_no_block_fills_become_float32(tmp_path: Path) -> None:
    model, feeds = of_blocks("MatMulNBits", 8, 16, 48), {"x": numbers(ROWS, 48)}
    made = translate(model, tmp_path)
    assert made.file.kinds() == ("float32",) and made.inexact == []
    found, wanted = on_onert(model, tmp_path, feeds)["y"], on_onnxruntime(model, feeds)["y"]
    assert np.abs(found - wanted.reshape(-1)).max() <= CLOSE * np.abs(wanted).max()


def test_an_output_that_is_read_inside_keeps_its_value(tmp_path: Path) -> None:
    """onert would use its memory again."""
    nodes = [
        helper.make_node("Mul", ["x", "two"], ["first"], "first"),
        *(helper.make_node("Tanh", [f"t{n}"], [f"t{n + 1}"], f"t{n}") for n in range(4)),
        helper.make_node("Add", ["first", "two"], ["t0"], "t0"),
    ]
    nodes = [nodes[0], nodes[-1], *nodes[1:-1]]
    constants = {"two": np.array([2], np.float32)}
    declared = {"x": np.zeros((DECLARED, 64), np.float32)}
    model = model_of(nodes, declared, ["t4", "first"], constants)
    feeds = {"x": numbers(ROWS, 64)}
    found = on_onert(model, tmp_path, feeds)
    assert np.array_equal(found["first"], 2 * feeds["x"].reshape(-1))


@pytest.mark.parametrize(
    ("scales", "why"),
    [(numbers(48), "scale for each row"), (numbers(1), "DequantizeLinear")],
)
def test_int8_weights_are_refused_by_name(
    scales: NDArray[np.float32], why: str, tmp_path: Path
) -> None:
    node = helper.make_node("DequantizeLinear", ["w", "s"], ["y"], "head/Dequantise", axis=0)
    weights = np.zeros((48, 64), np.int8)
    model = model_of([node], {"x": numbers(1, 48)}, ["y"], {"w": weights, "s": scales})
    with pytest.raises(OptionError, match="head/Dequantise") as caught:
        translate(model, tmp_path)
    assert why in caught.value.why and caught.value.fix == "--target cpu"


@pytest.mark.parametrize(
    ("op", "attributes", "why"),
    [
        ("Erf", {}, "Erf"),
        ("Cast", {"to": 1}, "Cast"),
        ("Softmax", {"axis": 0}, "axis"),
    ],
)
def test_what_there_is_no_rule_for_is_named(
    op: str, attributes: dict[str, Any], why: str, tmp_path: Path
) -> None:
    node = helper.make_node(op, ["x"], ["y"], "a strange node", **attributes)
    with pytest.raises(OptionError, match="a strange node") as caught:
        translate(model_of([node], {"x": numbers(2, 3)}, ["y"], {}), tmp_path)
    assert why in caught.value.why


def test_every_rule_that_computes_is_tried() -> None:
    tried = {case[0] for case in CASES.values()}
    elsewhere = {"Cast", "DequantizeLinear"} | {
        f"{MICROSOFT}::{name}" for name in ("MatMulNBits", "GatherBlockQuantized")
    }
    assert tried | elsewhere == set(RULES)
