"""The chain of layers against what the whole decoder computes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from float_weights import layer_chain
from ondol_converters.budget.candidates import round_layers, usable
from ondol_converters.budget.chain import LayerChain
from ondol_converters.budget.sensitivity import measure
from ondol_converters.quantise.store import BlockStore
from tiny_models import NAMES, expected


@pytest.fixture(params=NAMES)
def chain(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LayerChain]:
    with layer_chain(request.param, tmp_path) as made:
        yield made


def test_layer_by_layer_gives_what_transformers_gives(
    chain: LayerChain, request: pytest.FixtureRequest
) -> None:
    known = expected(request.node.callspec.params["chain"])
    logits = np.concatenate(list(chain.logits(chain.rest(0, chain.start(known.ids)))))
    assert np.abs(logits - known.prefill).max() <= 2e-5 * np.abs(known.prefill).max()


def test_what_a_matrix_reads_gives_what_follows(chain: LayerChain) -> None:
    ids = [5, 9, 33, 8, 100, 7]
    stream = chain.start(ids)
    _, inputs = chain.step(0, stream)
    for name, seen in inputs.items():
        assert seen.shape == (len(ids), chain.values(name).shape[1])
    same, _ = chain.step(0, stream)
    name = next(iter(inputs))
    other = np.ascontiguousarray(chain.values(name)[::-1])
    changed, _ = chain.step(0, stream, chain.as_matrix(name, other))
    assert not np.allclose(same.x, changed.x)


def test_more_bits_cost_less_everywhere(chain: LayerChain, tmp_path: Path) -> None:
    (tmp_path / "rounded").mkdir()
    store = BlockStore(tmp_path / "rounded")
    ids = [(7 * n) % 250 for n in range(40)]
    found = list(
        round_layers(chain, [ids], lambda _, columns: usable(columns), store, lambda *_: None)
    )
    assert {c.matrix for c in found} >= {"embedding", "layers.0.qkv", "layers.1.down"}
    slopes = measure(chain, ids, found, store, lambda *_: None)
    for name in {c.matrix for c in found}:
        own = [c for c in found if c.matrix == name]
        fine, coarse = min(own, key=lambda c: c.error), max(own, key=lambda c: c.error)
        assert fine.layout.bits == 8 and coarse.layout.bits == 4
        assert slopes.cost(fine) < slopes.cost(coarse)
        assert fine.bytes > coarse.bytes
