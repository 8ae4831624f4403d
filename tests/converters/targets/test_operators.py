"""Operator tables: they hold, and say what the code that uses a target does."""

from importlib import import_module
from typing import Any

import onnx
import pytest

from ondol_converters import targets
from ondol_converters.circle.rules import RULES
from ondol_converters.lint import lint
from ondol_converters.targets import COMPILED, TARGETS
from ondol_converters.targets.operators import operators
from tiny_models import NAMES, Tiny

TABLED = [name for name in (*TARGETS, *COMPILED) if operators(name) is not None]

CONSTANT_ONLY = {"Cast"}
"""Written as circle where its input is a constant, which is then no node."""


def test_the_tables_there_are() -> None:
    assert {"cpu", "one", "qnn"} <= set(TABLED)


@pytest.mark.parametrize("name", TABLED)
def test_a_table_says_where_it_comes_from(name: str) -> None:
    table = operators(name)
    assert table is not None and table.target == name
    assert len(table.source) > 20 and table.taken
    for rewrite in table.rewrites:
        assert not table.taken & set(rewrite.onnx), "what is taken needs no rewrite"
        assert set(rewrite.into) <= table.taken, "a rewrite into what is not taken helps nobody"
        assert rewrite.into or rewrite.note


def test_one_takes_what_there_are_rules_for() -> None:
    table = operators("one")
    assert table is not None
    refused = {"DequantizeLinear"}
    assert table.taken == set(RULES) - CONSTANT_ONLY - refused


def test_the_cpu_takes_what_onnxruntime_has_kernels_for() -> None:
    """Kernels come and go with versions; what families are drawn with must be there."""
    table = operators("cpu")
    assert table is not None
    kernels = import_module("onnxruntime.capi.onnxruntime_pybind11_state").get_all_opkernel_def()
    there = {
        f"{each.domain}::{each.op_name}" if each.domain else each.op_name
        for each in kernels
        if each.provider == "CPUExecutionProvider"
    }
    assert len(table.taken & there) >= 0.9 * len(table.taken)


@pytest.mark.parametrize("name", NAMES)
def test_of_every_family_each_operator_is_taken_or_rewritten(name: str, tiny: Tiny) -> None:
    one, cpu = operators("one"), operators("cpu")
    assert one is not None and cpu is not None
    bundle = tiny(name)
    for path in bundle.path.glob("*.onnx"):
        used = {_name(node) for node in onnx.load(path, load_external_data=False).graph.node}
        assert used <= cpu.taken
        assert {each for each in used - one.taken if one.rewrite(each) is None} == set()


@pytest.mark.parametrize("name", ["gemma3", "llama3", "qwen3"])
def test_qnn_takes_every_node_of_static_graphs_and_rewrites_others(name: str, tiny: Tiny) -> None:
    found = lint(tiny(name, target="npu"), "qnn")
    assert found.first is None and found.taken == found.nodes > 0
    found = lint(tiny(name), "qnn")
    assert found.first is not None
    assert {each.by for each in found.refused} == {"--target npu"}


def _name(node: Any) -> str:
    return f"{node.domain}::{node.op_type}" if node.domain else str(node.op_type)


ROW: dict[str, Any] = {"name": "ADD", "kinds": ["float32"], "state": "right", "onnx": ["Add"]}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"source": "", "operator": [ROW]}, "source"),
        ({"source": "s", "operator": [ROW | {"state": "fine"}]}, "ADD"),
        ({"source": "s", "operator": [ROW | {"colour": "red"}]}, r"operator\[0\].*colour"),
        ({"source": "s", "operator": [ROW | {"kinds": "float32"}]}, "kinds.*list"),
        ({"source": "s", "operator": [{"name": "ADD"}]}, "kinds, state"),
        ({"source": "s", "operator": [ROW], "rewrite": [{"onnx": ["Sub"]}]}, r"rewrite\[0\]"),
    ],
)
def test_a_table_that_does_not_hold(
    said: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ondol_converters.targets.operators.table", lambda _: said)
    with pytest.raises(ValueError, match=words):
        operators.__wrapped__("one")


def test_a_target_without_operators_has_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ondol_converters.targets.operators.table", lambda _: {"target": {}})
    assert operators.__wrapped__("npu") is None
    assert all(targets.target(name).name == name for name in TARGETS)
