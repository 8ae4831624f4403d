"""Static decoder graphs in plain ONNX: what they compute, against transformers' numbers."""

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from differences import error
from float_weights import float_weights
from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.static import StaticPen
from ondol_converters.static_run import StaticRun
from tiny_models import CONTEXT, NAMES, expected

BUCKET = 16
FLOAT = 2e-5  # float32 sums in another order: 2.6e-6 was the most seen

Drawn = Callable[[str, int], tuple[Path, Decoder]]


@pytest.fixture
def drawn(tmp_path: Path) -> Drawn:
    """Draws a tiny model for so many tokens at a time."""

    def draw(name: str, n: int) -> tuple[Path, Decoder]:
        decoder, weights = float_weights(name, tmp_path / f"{name}.bin")
        model = StaticPen(decoder, weights, f"{name}.bin", n, CONTEXT).model("0")
        path = tmp_path / f"{name}-{n}.onnx"
        path.write_bytes(model.SerializeToString())
        return path, decoder

    return draw


@pytest.mark.parametrize("name", NAMES)
def test_buckets_then_steps_give_what_transformers_gives(name: str, drawn: Drawn) -> None:
    known = expected(name)
    path, decoder = drawn(name, BUCKET)
    prefill = StaticRun(path, decoder, BUCKET, CONTEXT, 1)
    before = known.ids[: 3 * BUCKET - 5]  # the last bucket is not full
    assert error(prefill.append(before), known.prefill[: len(before)]) <= FLOAT
    path, _ = drawn(name, 1)
    steps = StaticRun(path, decoder, 1, CONTEXT, 1)
    steps.take(prefill)
    assert error(steps.append(known.ids[len(before) :]), known.prefill[len(before) :]) <= FLOAT


def test_every_shape_is_known_and_no_operator_is_microsofts(drawn: Drawn) -> None:
    path, _ = drawn("gemma3", BUCKET)
    model = onnx.shape_inference.infer_shapes(onnx.load(str(path)), strict_mode=True)
    assert {opset.domain for opset in model.opset_import} == {""}
    values = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    produced = {name for node in model.graph.node for name in node.output}
    assert produced <= {value.name for value in values}
    for value in values:
        dims = value.type.tensor_type.shape.dim
        assert all(dim.dim_value > 0 for dim in dims), value.name


def test_the_nodes_do_not_depend_on_the_bucket(drawn: Drawn) -> None:
    one, many = (onnx.load(str(drawn("exaone4", n)[0])) for n in (1, BUCKET))
    assert [n.SerializeToString() for n in one.graph.node] == [
        n.SerializeToString() for n in many.graph.node
    ]
