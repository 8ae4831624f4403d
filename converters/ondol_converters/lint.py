"""What a target cannot take of a bundle: the first node, every operator, and what would help."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import onnx

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, OptionError
from ondol.language import say
from ondol.manifest import Variant
from ondol.model_facts import ModelFacts
from ondol_converters.targets import COMPILED, TARGETS, Target
from ondol_converters.targets import target as target_named
from ondol_converters.targets.operators import Operators, operators

KNOWN = (*TARGETS, *COMPILED)
SHAPE = "shape"
"""Stands for an operator where it is a free size that a target of fixed shapes cannot take."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A node that a target cannot take; of a free size, the input that has it."""

    graph: str
    node: str
    operator: str


@dataclass(frozen=True, slots=True)
class Refused:
    """An operator that a target cannot take: how often, the first one, why, and what helps.

    `into` are the ONNX operators that serve instead, or in `note` what does; `by` is the option
    that draws the graph so.
    """

    operator: str
    count: int
    first: Finding
    why: str
    into: tuple[str, ...]
    note: str
    by: str


@dataclass(frozen=True, slots=True)
class Lint:
    """What a target makes of a bundle's graphs. `nodes` are without those that are constant.

    `first` is the first node in the order of the graphs that cannot be taken; None: all can.
    `source` says where the operator table comes from.
    """

    bundle: str
    target: str
    graphs: tuple[str, ...]
    nodes: int
    taken: int
    first: Finding | None
    refused: tuple[Refused, ...]
    source: str


def lint(bundle: Bundle, target: str) -> Lint:
    """Compare a bundle's graphs with what a target takes; no weights are read.

    The graphs are the target's own variant, where the bundle has one, else the CPU's.

    Raises:
        OptionError: if there is no such target, or no operator table for it.
        CorruptBundle: if a graph cannot be read.
    """
    table = _table(target)
    own = target_named(target).graphs or target
    variant = bundle.variant(own) or bundle.variant("cpu")
    if variant is None:
        raise _unreadable(bundle, say("It has no graph.", "그래프가 없습니다."))
    if not variant.graph.endswith(".onnx"):
        return _foreign(bundle, variant, table)
    names = (variant.graph, *variant.prefill)
    if variant.target != own and isinstance(bundle.manifest.model, ModelFacts):
        names = (variant.graph,)  # the prefill stages only make the CPU faster
    bundle.verify(names)
    found: list[Finding] = []
    nodes = 0
    for name in names:
        graph = _graph(bundle, name)
        found += _free_sizes(graph, name, target_named(target))
        alive = _alive(graph)
        nodes += len(alive)
        found += (
            Finding(name, node.name, operator)
            for node in alive
            if (operator := _operator(node)) not in table.taken
        )
    return _made(bundle, names, nodes, found, table)


def _table(target: str) -> Operators:
    table = operators(target) if target in KNOWN else None
    if table is not None:
        return table
    having = ", ".join(name for name in KNOWN if operators(name) is not None)
    raise OptionError(
        say(
            f"No operators are known of the target {target!r}.",
            f"대상 {target!r}의 연산자 표가 없습니다.",
        ),
        say(f"There are tables of {having}.", f"표가 있는 대상: {having}"),
        f"--target {having.split(', ')[-1]}",
    )


def _foreign(bundle: Bundle, variant: Variant, table: Operators) -> Lint:
    """Of a graph that is no ONNX, the manifest names the target's own operators."""
    wrong = [name for name in variant.needs.operators if name not in table.own]
    found = [Finding(variant.graph, "", name) for name in wrong]
    return _made(bundle, (variant.graph,), len(variant.needs.operators), found, table)


def _made(
    bundle: Bundle, graphs: Sequence[str], nodes: int, found: Sequence[Finding], table: Operators
) -> Lint:
    refused: dict[str, Finding] = {}
    for finding in found:
        refused.setdefault(finding.operator, finding)
    return Lint(
        bundle=bundle.name,
        target=table.target,
        graphs=tuple(graphs),
        nodes=nodes,
        taken=nodes - sum(finding.operator != SHAPE for finding in found),
        first=found[0] if found else None,
        refused=tuple(
            _refused(first, sum(each.operator == name for each in found), table)
            for name, first in refused.items()
        ),
        source=table.source,
    )


def _refused(first: Finding, count: int, table: Operators) -> Refused:
    if first.operator == SHAPE:
        why = say("A size is free, and this target's are fixed.", "크기가 고정되어 있지 않습니다.")
        drawn = target_named(table.target).graphs or table.target
        return Refused(SHAPE, count, first, why, (), "", f"--target {drawn}")
    rewrite = table.rewrite(first.operator)
    return Refused(
        first.operator,
        count,
        first,
        table.note(first.operator)
        or say("No operator of the target serves it.", "이 일을 하는 연산자가 대상에 없습니다."),
        rewrite.into if rewrite else (),
        rewrite.note if rewrite else "",
        rewrite.by if rewrite else "",
    )


def _graph(bundle: Bundle, name: str) -> Any:
    try:
        return onnx.load_model_from_string(bundle.read(name)).graph
    except CorruptBundle:
        raise
    except Exception as exc:  # protobuf's error class depends on its version
        raise _unreadable(bundle, f"{name}: {type(exc).__name__}: {str(exc)[:200]}") from exc


def _operator(node: Any) -> str:
    return f"{node.domain}::{node.op_type}" if node.domain else str(node.op_type)


def _alive(graph: Any) -> list[Any]:
    """Nodes that are no constants: what depends on initializers alone is folded by any compiler."""
    fixed = {tensor.name for tensor in graph.initializer} | {""}
    alive = []
    for node in graph.node:
        if fixed.issuperset(node.input):
            fixed.update(node.output)
        else:
            alive.append(node)
    return alive


def _free_sizes(graph: Any, name: str, target: Target) -> Iterator[Finding]:
    if not target.static:
        return
    for value in graph.input:
        sizes = value.type.tensor_type.shape.dim
        if any(not size.HasField("dim_value") for size in sizes):
            yield Finding(name, value.name, SHAPE)


def _unreadable(bundle: Bundle, why: str) -> CorruptBundle:
    return CorruptBundle(
        say(f"{bundle.name} cannot be checked.", f"{bundle.name}을(를) 검사할 수 없습니다."),
        why,
        say("Convert the model again.", "모델을 다시 변환하세요."),
    )
