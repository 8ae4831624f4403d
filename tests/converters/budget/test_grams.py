"""What a text shows each matrix, against the products it is made of."""

from pathlib import Path

import numpy as np
import pytest

from float_weights import layer_chain
from ondol_converters.budget.grams import grams, token_count

WINDOWS = ([5, 9, 33, 8, 100, 7], [44, 2, 91], [12] * 5)


@pytest.mark.parametrize("name", ["gemma3", "qwen2_untied", "gpt2", "gptj"])
def test_they_are_the_products_of_all_windows_inputs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ondol_converters.budget.grams.ROWS", 8)  # some wait, some are added
    seen: list[tuple[int, int]] = []
    with layer_chain(name, tmp_path) as chain:
        found = list(grams(chain, WINDOWS, lambda *step: seen.append(step)))
        streams = [chain.start(ids) for ids in WINDOWS]
        for layer in range(chain.depth):
            steps = [chain.step(layer, stream) for stream in streams]
            streams = [stream for stream, _ in steps]
            assert set(found[layer]) == set(chain.matrices(layer))
            for matrix, what in found[layer].items():
                x = np.concatenate([inputs[matrix] for _, inputs in steps]).astype(np.float64)
                # sums of 14 products in float32
                atol = 1e-4 * np.abs(x).max()
                np.testing.assert_allclose(what.gram, x.T @ x, rtol=1e-4, atol=atol)
                assert np.array_equal(what.rows, x.astype(np.float32))  # so few are all kept
        normed = np.concatenate([stream.normed[0] for stream in streams]).astype(np.float64)
        (head,) = found[chain.depth].items()
        assert head[0] == ("embedding" if chain.tied else "head")
        np.testing.assert_allclose(head[1].gram, normed.T @ normed, rtol=1e-4, atol=1e-3)
        others = {name: what for each in found[chain.depth + 1 :] for name, what in each.items()}
        assert tuple(others) == chain.lookups
        for matrix, what in others.items():
            share = token_count(WINDOWS) / len(chain.values(matrix))
            assert np.allclose(what.gram, share * np.eye(len(what.gram)))
            assert not len(what.rows)
        assert seen == [(done, chain.depth + 1) for done in range(chain.depth + 2)]


def test_lookups_are_what_is_never_multiplied(tmp_path: Path) -> None:
    expected = {"gemma3": (), "qwen2_untied": ("embedding",), "gpt2": ("positions",)}
    for name, lookups in expected.items():
        folder = tmp_path / name
        folder.mkdir()
        with layer_chain(name, folder) as chain:
            assert chain.lookups == lookups


def test_of_many_inputs_some_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ondol_converters.budget.grams.SAMPLES", 3)
    with layer_chain("gemma3", tmp_path) as chain:
        first = next(grams(chain, WINDOWS, lambda *step: None))
        _, inputs = chain.step(0, chain.start(WINDOWS[0]))
    every = token_count(WINDOWS) // 3
    for name, what in first.items():
        assert len(what.rows) == 3
        assert np.array_equal(what.rows[0], inputs[name][0])
        assert np.array_equal(what.rows[1], inputs[name][every]) or every >= len(inputs[name])
