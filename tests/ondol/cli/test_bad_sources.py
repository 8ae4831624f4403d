"""What a maker may hand to `ondol convert` by mistake, and what it says."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from command_line import Ondol
from ondol.bundle import Bundle
from ondol.plan import Plan
from ondol_converters.quantise.blocks import dense
from ondol_converters.sources import open_source
from ondol_runtimes.reference import ReferenceRuntime
from tiny_models import MODELS, expected

NARROW = 72  # no multiple of 16, as no kernel's block is


def narrowed(folder: Path) -> Path:
    """The tiny Qwen 3 with some of its inner values taken away."""
    shutil.copytree(MODELS / "qwen3", folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": NARROW}))
    tensors: dict[str, NDArray[np.float32]] = {}
    with open_source(MODELS / "qwen3") as source:
        for name, info in source.tensors.items():
            values = dense(source.read(name), info.kind, info.shape[-1]).reshape(info.shape)
            values = values[:NARROW] if ".gate_proj." in name or ".up_proj." in name else values
            values = values[:, :NARROW] if ".down_proj." in name else values
            tensors[name] = np.ascontiguousarray(values)
    save_file(tensors, folder / "model.safetensors")
    return folder


def logits(path: Path) -> NDArray[np.float32]:
    with ReferenceRuntime().open(Bundle.open(path), Plan(128, 1, True, False)) as session:
        return session.append_all(expected("qwen3").ids).copy()


def test_a_matrix_that_no_kernel_takes_is_named(ondol: Ondol, tmp_path: Path) -> None:
    source = str(narrowed(tmp_path / "narrow"))
    out = {name: tmp_path / name for name in ("int4", "float32")}
    made = ondol("convert", source, "--out", str(out["int4"]), "--weights", "int4", "--json")
    down = [f"model.layers.{i}.mlp.down_proj.weight" for i in range(2)]
    assert made.json["bundle"]["no_kernel"] == down
    records = {r.name: r for r in Bundle.open(out["int4"]).manifest.recipe.matrices}
    assert {(records[name].bits, records[name].exact) for name in down} == {(32, True)}
    assert {r.bits for name, r in records.items() if name not in down} == {4}
    plain = ondol("convert", source, "--out", str(out["float32"]), "--weights", "float32", "--json")
    assert plain.json["bundle"]["no_kernel"] == []
    shown = ondol("convert", source, "--out", str(tmp_path / "shown"))
    assert "left in float32" in shown.out and "multiple of 16" in shown.out
    assert down[0] in shown.out
    exact, rounded = logits(out["float32"]), logits(tmp_path / "shown")
    # 8 bits on random weights, as in test_parity
    assert np.abs(rounded - exact).max() <= 0.06 * np.abs(exact).max()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        ("온돌은 따뜻하다".encode("euc-kr"), "UTF-8"),
        (b" \n\t ", "is empty"),
        (None, "Cannot read"),
    ],
    ids=["empty", "euc-kr", "blank", "absent"],
)
def test_a_text_to_calibrate_with_that_is_none(
    ondol: Ondol, tmp_path: Path, data: bytes | None, words: str
) -> None:
    text, out = tmp_path / "text.txt", tmp_path / "out"
    if data is not None:
        text.write_bytes(data)
    options = ("--vocabulary", "ko-en-compact", "--text", str(text), "--json")
    done = ondol("convert", str(MODELS / "qwen3"), "--out", str(out), *options)
    assert (done.code, done.json["error"]["kind"]) == (2, "BadText")
    assert "text.txt" in done.err and words in done.err
    assert not out.exists()


def test_english_alone_is_warned_of_with_the_share_of_hangul(ondol: Ondol, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("The floor is warm. " * 200 + "온돌", "utf-8")
    options = ("--vocabulary", "ko-en-compact", "--text", str(text))
    done = ondol("convert", str(MODELS / "qwen3"), "--out", str(tmp_path / "out"), *options)
    assert done.code == 0 and "0.1% of the letters" in done.err


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"vocab_size": 200}, "CorruptSource", "200 rows"),
        ({"num_hidden_layers": 3, "layer_types": None}, "CorruptSource", "layers.2"),
    ],
)
def test_a_source_that_contradicts_itself(
    ondol: Ondol, tmp_path: Path, change: dict[str, Any], kind: str, words: str
) -> None:
    folder = shutil.copytree(MODELS / "qwen3", tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | change))
    done = ondol("convert", str(folder), "--out", str(tmp_path / "out"), "--json")
    assert (done.code, done.json["error"]["kind"]) == (3, kind) and words in done.err
    assert not (tmp_path / "out").exists()
