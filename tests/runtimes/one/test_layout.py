"""Circle files that lie about themselves: every one is refused before onert maps it."""

import random
import struct
from pathlib import Path

import pytest

from ondol.errors import CorruptBundle
from ondol_runtimes.one.layout import check_layout
from tiny_models import Tiny

pytest.importorskip("circle_schema")

schema = pytest.importorskip("circle_schema.v0_10.circle")


@pytest.fixture
def circle(tiny: Tiny, tmp_path: Path) -> Path:
    path = tmp_path / "a.circle"
    path.write_bytes(tiny("qwen2", "auto", "one").read("one.circle"))
    return path


def test_what_we_write_holds(circle: Path) -> None:
    check_layout(circle)


@pytest.mark.parametrize("size", [1, 8, 100, 4000, 30000, -1000, -1])
def test_a_cut_file_is_refused(size: int, circle: Path) -> None:
    circle.write_bytes(circle.read_bytes()[:size])
    with pytest.raises(CorruptBundle, match="cannot be loaded"):
        check_layout(circle)


def test_a_larger_shape_than_its_weight_is_refused(circle: Path) -> None:
    raw = bytearray(circle.read_bytes())
    graph = schema.Model.Model.GetRootAs(bytes(raw)).Subgraphs(0)
    tensor = next(t for t in map(graph.Tensors, range(graph.TensorsLength())) if t.Buffer())
    place = tensor._tab.Vector(tensor._tab.Offset(4))
    raw[place : place + 4] = struct.pack("<i", 1 << 20)
    circle.write_bytes(raw)
    with pytest.raises(CorruptBundle) as caught:
        check_layout(circle)
    assert "another size" in caught.value.why


def test_no_changed_table_ends_in_anything_but_a_named_error(circle: Path) -> None:
    raw, chance, refusals = circle.read_bytes(), random.Random(5), 0
    for _ in range(400):
        changed = bytearray(raw)
        at = chance.randrange(0, 12000)
        changed[at : at + 4] = chance.randbytes(4)
        circle.write_bytes(changed)
        try:
            check_layout(circle)
        except CorruptBundle:
            refusals += 1
    assert refusals > 20
