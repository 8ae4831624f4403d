"""Tensors seen in another order than they are stored: the same numbers, a few rows at a time."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from ondol.errors import UnsupportedTensor
from ondol_converters.families import family, recognise
from ondol_converters.families.views import ViewedSource, viewed
from ondol_converters.quantise.blocks import dense
from ondol_converters.sources import Source, open_source
from tiny_gguf import write_gguf
from tiny_models import MODELS

RANDOM = np.random.default_rng(5)
HEADS, SIZE = 3, 4

Floats = NDArray[np.float32]


def stored(folder: Path, **tensors: NDArray[np.generic]) -> Source:
    save_file(dict(tensors), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    return open_source(folder)


def rows(source: Source, name: str, start: int = 0, stop: int | None = None) -> Floats:
    info = source.tensors[name]
    return dense(source.read(name, start, stop), info.kind, info.shape[-1])


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_transposed_matrix_is_seen_by_its_columns(
    dtype: type[np.floating[Any]], tmp_path: Path
) -> None:
    matrix: NDArray[np.generic] = RANDOM.standard_normal((5, 12)).astype(dtype)
    source = ViewedSource(stored(tmp_path, w=matrix), {"w": "transposed"}, HEADS)
    assert source.tensors["w"].shape == (12, 5)
    for start, stop in ((0, None), (3, 7), (7, 12), (0, 1)):
        assert (rows(source, "w", start, stop) == matrix.T[start:stop].astype(np.float32)).all()


def test_rows_of_heads_are_seen_as_all_of_q_k_and_v(tmp_path: Path) -> None:
    matrix = np.arange(HEADS * 3 * SIZE, dtype=np.float32)[:, None].repeat(2, 1)
    views = {"w": "by_head", "b": "by_head"}
    source = ViewedSource(stored(tmp_path, w=matrix, b=matrix[:, 0].copy()), views, HEADS)
    q = [0, 1, 2, 3, 12, 13, 14, 15, 24, 25, 26, 27]
    wanted = np.array([*q, *(i + 4 for i in q), *(i + 8 for i in q)], np.float32)
    assert rows(source, "w")[:, 1].tolist() == wanted.tolist()
    for start, stop in ((0, 5), (5, 6), (2, 30), (35, 36)):
        assert rows(source, "w", start, stop)[:, 0].tolist() == wanted[start:stop].tolist()
    assert rows(source, "b").ravel().tolist() == wanted.tolist()


def test_a_transposed_matrix_is_let_go_after_its_last_row(tmp_path: Path) -> None:
    matrix = np.zeros((6, 8), np.float32)
    source = ViewedSource(stored(tmp_path, w=matrix), {"w": "transposed"}, HEADS)
    source.read("w", 0, 4)
    assert source._held is not None
    source.read("w", 4, 8)
    assert source._held is None


def test_all_else_is_the_source_itself(tmp_path: Path) -> None:
    whole = RANDOM.standard_normal((4, 3)).astype(np.float32)
    plain = stored(tmp_path, w=whole, c=whole[0].copy())
    with ViewedSource(plain, {"c": "transposed", "gone": "transposed"}, HEADS) as source:
        assert source.tensors == plain.tensors and source.config == plain.config
        assert (rows(source, "w") == whole).all() and (rows(source, "c") == whole[:1]).all()
        assert source.files() == plain.files()


def test_what_cannot_be_put_in_order_is_named(tmp_path: Path) -> None:
    plain = stored(tmp_path, w=np.zeros((10, 4), np.float32))
    with pytest.raises(UnsupportedTensor, match=r"w cannot be put in order"):
        ViewedSource(plain, {"w": "by_head"}, HEADS)
    path = write_gguf("qwen2", tmp_path / "model.gguf", "Q8_0")
    with open_source(path) as source, pytest.raises(UnsupportedTensor, match="Q8_0"):
        ViewedSource(source, {"token_embd.weight": "transposed"}, HEADS)


@pytest.mark.parametrize(("name", "seen"), [("gpt2", True), ("gpt_neox", True), ("gptj", False)])
def test_only_families_with_views_are_seen_through_them(
    name: str, seen: bool, tmp_path: Path
) -> None:
    with open_source(MODELS / name) as source:
        decoder, names = recognise(source)
        assert (viewed(source, family(name), decoder, names) is not source) is seen
    if seen:  # llama.cpp's converter has put them in order
        with open_source(write_gguf(name, tmp_path / "model.gguf")) as source:
            decoder, names = recognise(source)
            assert viewed(source, family(name), decoder, names) is source
