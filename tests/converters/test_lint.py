"""Lint: the first node a target cannot take, every such operator counted, and what helps."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper

from graph_bundle import encoder_bundle
from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, OptionError
from ondol_converters import lint as linting
from ondol_converters.lint import SHAPE, lint
from ondol_converters.targets import Target
from ondol_converters.targets.operators import operators
from tiny_models import Tiny


def model(*nodes: Any, sizes: tuple[Any, ...] = ("batch", 4)) -> bytes:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes),
        "g",
        [value("x", TensorProto.FLOAT, sizes)],
        [value("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("fixed", TensorProto.FLOAT, [1], [1.0])],
    )
    return bytes(helper.make_model(graph).SerializeToString())


def node(kind: str, given: str, made: str, domain: str = "") -> Any:
    return helper.make_node(kind, given.split(), [made], name=f"{kind}/{made}", domain=domain)


def test_a_decoder_for_one(tiny: Tiny) -> None:
    bundle = tiny("gemma3")
    found = lint(bundle, "one")
    table = operators("one")
    assert table is not None and found.source == table.source
    graph = onnx.load(bundle.path / "model.onnx", load_external_data=False).graph
    fixed = {tensor.name for tensor in graph.initializer}
    moving = [each for each in graph.node if not fixed.issuperset(each.input)]
    named = [f"{n.domain}::{n.op_type}" if n.domain else n.op_type for n in moving]
    count = Counter(name for name in named if name not in table.taken)
    assert found.graphs == ("model.onnx",)
    assert found.nodes == len(named) and found.taken == len(named) - count.total()
    assert {each.operator: each.count for each in found.refused} == dict(count)
    assert found.first is not None and found.first.node == "mask/last"
    attention = next(each for each in found.refused if "GroupQuery" in each.operator)
    assert attention.count == 7 and attention.by == "--target one" and "Softmax" in attention.into
    assert attention.first.node == "layers.0.attention/GroupQueryAttention"


@pytest.mark.parametrize("name", ["gemma3", "qwen3"])
def test_what_was_converted_for_one_is_taken(name: str, tiny: Tiny) -> None:
    found = lint(tiny(name, target="one"), "one")
    assert found.first is None and found.refused == ()
    assert found.graphs == ("one.circle",) and found.taken == found.nodes > 5


def test_a_circle_with_an_operator_that_is_wrong_there(tiny: Tiny) -> None:
    bundle = tiny("gemma3", target="one")
    variants = tuple(
        replace(v, needs=replace(v.needs, operators=(*v.needs.operators, "ROPE", "SPLIT_V")))
        if v.target == "one"
        else v
        for v in bundle.manifest.variants
    )
    found = lint(Bundle(bundle.path, replace(bundle.manifest, variants=variants)), "one")
    assert [each.operator for each in found.refused] == ["ROPE", "SPLIT_V"]
    assert "wrong: right for one position" in found.refused[0].why


def test_the_cpu_takes_all(tiny: Tiny) -> None:
    found = lint(tiny("gptj"), "cpu")
    assert found.first is None and found.taken == found.nodes and len(found.graphs) == 3


def test_an_encoder(tmp_path: Path) -> None:
    found = lint(encoder_bundle(tmp_path / "encoder"), "one")
    assert [(each.operator, each.count) for each in found.refused] == [("ReduceMean", 1)]
    assert found.refused[0].into == ("ReduceSum", "Div")


def test_what_nothing_is_known_to_help(tmp_path: Path) -> None:
    made = model(node("Cosh", "x", "a"), node("Add", "a a", "b"), node("Cosh", "b", "y", "own"))
    found = lint(encoder_bundle(tmp_path / "odd", made), "one")
    assert [(each.operator, each.count) for each in found.refused] == [
        ("Cosh", 1),
        ("own::Cosh", 1),
    ]
    assert found.first is not None and found.first.node == "Cosh/a"
    assert found.refused[0].into == () and found.refused[0].by == ""


def test_what_depends_on_constants_alone_is_none_of_the_target(tmp_path: Path) -> None:
    made = model(node("Cosh", "fixed", "a"), node("Cosh", "a", "b"), node("Add", "x b", "y"))
    found = lint(encoder_bundle(tmp_path / "constant", made), "one")
    assert found.first is None and (found.nodes, found.taken) == (1, 1)


@pytest.mark.parametrize("sizes", [("batch", 4), (None, 4), (1, 4)])
def test_a_target_of_fixed_shapes_takes_no_free_size(
    sizes: tuple[Any, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linting, "target_named", lambda name: Target(name, True, ()))
    made = model(node("Add", "x x", "y"), sizes=sizes)
    found = lint(encoder_bundle(tmp_path / "sized", made), "one")
    free = [each.first.node for each in found.refused if each.operator == SHAPE]
    assert free == ([] if sizes[0] == 1 else ["x"]) and found.taken == found.nodes == 1


@pytest.mark.parametrize("target", ["", "toaster", "ONE", "../one"])
def test_a_target_that_is_none(target: str, tiny: Tiny) -> None:
    with pytest.raises(OptionError, match="cpu"):
        lint(tiny("gemma3"), target)


def test_a_graph_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CorruptBundle, match="cannot be checked"):
        lint(encoder_bundle(tmp_path / "broken", b"\x08\x01garbage"), "one")
