"""Static decoder graphs in plain ONNX: what they compute, against transformers' numbers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from ondol.errors import OptionError
from ondol_converters.families import recognise
from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.static import StaticPen
from ondol_converters.graph.weights import WeightsFile
from ondol_converters.pack import Packer
from ondol_converters.recipe import Options
from ondol_converters.sources import open_source
from ondol_converters.static_run import StaticRun
from tiny_models import CONTEXT, MODELS, expected

BUCKET = 16
FLOAT = 2e-5  # float32 sums in another order: 2.6e-6 was the most seen
DRAWN = (
    "exaone",
    "exaone4",
    "gemma3",
    "hyperclovax",
    "llama3",
    "llama_linear",
    "qwen2",
    "qwen2_untied",
    "qwen3",
)
UNDRAWN = {"gpt2": "learned positions", "gptj": "parallel branches", "gpt_neox": "norm = layer"}

Drawn = Callable[[str, int], tuple[Path, Decoder]]


@pytest.fixture
def drawn(tmp_path: Path) -> Drawn:
    """Draws a tiny model for so many tokens at a time."""

    def draw(name: str, n: int) -> tuple[Path, Decoder]:
        options = Options(weights="float32", context=CONTEXT)
        with open_source(MODELS / name) as source:
            decoder, names = recognise(source)
            with WeightsFile(tmp_path / f"{name}.bin") as file:
                packer = Packer(source, names, decoder, options, file, CONTEXT, lambda *_: None)
                weights = packer.weights()
                file.finish()
            model = StaticPen(decoder, weights, f"{name}.bin", n, CONTEXT).model("0")
        path = tmp_path / f"{name}-{n}.onnx"
        path.write_bytes(model.SerializeToString())
        return path, decoder

    return draw


def error(found: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """The largest difference, as a share of the largest logit."""
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


@pytest.mark.parametrize("name", DRAWN)
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


@pytest.mark.parametrize("name", UNDRAWN)
def test_what_is_not_drawn_is_refused_by_name(
    name: str, drawn: Drawn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_LANG", "en")
    with pytest.raises(OptionError, match=UNDRAWN[name]) as caught:
        drawn(name, 1)
    assert caught.value.fix == "--target cpu"
