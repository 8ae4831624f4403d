"""Graphs cut into pieces: nothing is lost, and what passes between them is what it says."""

import pytest

from ondol.errors import CorruptBundle
from ondol.outline import Outline
from ondol_runtimes.lowmem.cutting import cut
from tiny_models import NAMES, Tiny


@pytest.mark.parametrize("name", NAMES)
def test_every_node_is_in_a_piece_and_every_value_comes_from_an_earlier_one(
    name: str, tiny: Tiny
) -> None:
    whole = Outline.read(tiny(name).read("model.onnx"), "model.onnx")
    pieces = cut(whole, 1)
    assert len(pieces) > len([n for n in whole.nodes if n.kind.endswith("GroupQueryAttention")])
    seen = {bytes(node.raw) for node in whole.nodes}
    found: set[bytes] = set()
    given: set[str] = set()
    for piece in pieces:
        part = Outline.read(piece.graph, "piece")
        found |= {bytes(node.raw) for node in part.nodes}
        assert {each.name for each in piece.reads} <= given
        given |= {each.name for each in piece.gives}
        known = {*part.inputs, *part.tensors}
        for node in part.nodes:
            assert {each for each in node.inputs if each} <= known
            known |= set(node.outputs)
        assert set(part.outputs) <= known
    assert found == seen


def test_pieces_hold_as_many_bytes_as_they_may(tiny: Tiny) -> None:
    whole = Outline.read(tiny("gemma3").read("model.onnx"), "model.onnx")
    assert len(cut(whole, 1 << 40)) == 1
    assert 1 < len(cut(whole, 20_000)) < len(cut(whole, 1))


def test_what_is_no_graph_is_a_broken_bundle() -> None:
    with pytest.raises(CorruptBundle):
        Outline.read(b"\x07\xff\xff", "model.onnx")
