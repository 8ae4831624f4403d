"""Leaving out of a graph what none of its outputs needs."""

from typing import Any

import onnx


def prune(model: onnx.ModelProto) -> None:
    """Remove nodes, inputs and initializers that lead to no output of the graph."""
    graph = model.graph
    needed = {output.name for output in graph.output}
    nodes = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            nodes.append(node)
            needed |= set(node.input)
    del graph.node[:]
    graph.node.extend(reversed(nodes))
    parts: tuple[Any, ...] = (graph.initializer, graph.input)
    for part in parts:
        kept = [each for each in part if each.name in needed]
        del part[:]
        part.extend(kept)
