"""An architecture nobody knows: what is nearest, what differs, and who else could export it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from made_up_model import write_onmaru
from ondol.errors import UnknownArchitecture
from ondol_converters.families import recognise
from ondol_converters.families.nearest import Likeness, kinds, nearest
from ondol_converters.families.optimum import task_of
from ondol_converters.sources import open_source
from tiny_gguf import write_gguf
from tiny_models import MODELS

Tensors = dict[str, NDArray[np.float32]]


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., Path]:
    """A copy of a tiny model under another model_type, its config and tensors changed."""

    def make(name: str, add: Tensors | None = None, drop: str = "", **config: Any) -> Path:
        folder = tmp_path / "model"
        shutil.copytree(MODELS / name, folder)
        changed = json.loads((folder / "config.json").read_text()) | config
        (folder / "config.json").write_text(json.dumps(changed))
        with open_source(MODELS / name) as source:
            shapes = {each: info.shape for each, info in source.tensors.items()}
        tensors = {k: np.zeros(shape, np.float32) for k, shape in shapes.items()}
        kept = {k: t for k, t in tensors.items() if not drop or drop not in k}
        save_file({**kept, **(add or {})}, folder / "model.safetensors")
        return folder

    return make


def like(folder: Path) -> Likeness:
    with open_source(folder) as source:
        found = nearest(source)
    assert found is not None
    return found


def refusal(path: Path) -> UnknownArchitecture:
    with open_source(path) as source, pytest.raises(UnknownArchitecture) as caught:
        recognise(source)
    return caught.value


def test_a_twin_under_another_name(altered: Callable[..., Path]) -> None:
    found = like(altered("qwen3", model_type="onmaru"))
    assert found.family.model_type == "qwen3" and found.same == found.kinds == 13
    assert not (found.missing or found.extra or found.renamed or found.reshaped or found.ignored)


def test_what_it_has_more_is_named(altered: Callable[..., Path]) -> None:
    gates = {
        f"model.layers.{i}.self_attn.{part}.weight": np.zeros(32, np.float32)
        for i in range(2)
        for part in ("sink", "gate")
    }
    folder = altered("llama3", add=gates, model_type="llama_with_sinks")
    found = like(folder)
    assert found.family.model_type == "llama"
    assert set(found.extra) == {
        "model.layers.{i}.self_attn.gate.weight",
        "model.layers.{i}.self_attn.sink.weight",
    }
    assert "It also has: model.layers.{i}.self_attn." in refusal(folder).why


def test_what_it_lacks_is_named(altered: Callable[..., Path]) -> None:
    found = like(altered("qwen3", drop="k_norm", model_type="half_normed"))
    assert found.family.model_type == "qwen3"
    assert found.missing == ("model.layers.{i}.self_attn.k_norm.weight",)


def test_spelling_does_not_decide(altered: Callable[..., Path]) -> None:
    found = like(altered("gemma3", model_type="llama4_text"))
    assert found.family.model_type == "gemma3_text"


def test_shapes_that_contradict_the_config_are_shown(altered: Callable[..., Path]) -> None:
    up = {f"model.layers.{i}.mlp.up_proj.weight": np.zeros((96, 48), np.float32) for i in (0, 1)}
    found = like(altered("qwen3", add=up, model_type="wide"))
    assert found.reshaped == (("model.layers.{i}.mlp.up_proj.weight", (80, 48), (96, 48)),)


def test_keys_that_no_family_draws_are_shown(altered: Callable[..., Path]) -> None:
    folder = altered("llama3", model_type="scaled", residual_multiplier=0.22)
    assert like(folder).ignored == ("residual_multiplier = 0.22",)
    assert "residual_multiplier = 0.22" in refusal(folder).why


def test_other_names_for_keys_and_tensors(tmp_path: Path) -> None:
    found = like(write_onmaru(tmp_path / "onmaru"))
    assert found.family.model_type == "qwen3" and len(found.renamed) == found.kinds
    pairs = dict(found.renamed)
    assert pairs["model.embed_tokens.weight"] == "tok.weight"
    assert pairs["model.layers.{i}.mlp.down_proj.weight"] == "blocks.{i}.ffn.down.weight"
    assert pairs["model.layers.{i}.self_attn.q_norm.weight"] == "blocks.{i}.attn.qn.weight"
    assert ("hidden_size", "dim") in found.keys


def test_a_config_that_says_too_little(tmp_path: Path) -> None:
    error = refusal(write_onmaru(tmp_path / "onmaru", n_heads=None))
    assert "nearest" not in error.why and "OnmaruForCausalLM" in error.what


def test_a_model_of_another_kind_has_no_nearest(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    config = {"model_type": "resnet", "architectures": ["ResNetModel"], "hidden_size": 4}
    (folder / "config.json").write_text(json.dumps(config))
    save_file(
        {"stem.conv.weight": np.zeros((4, 3, 3, 3), np.float32)}, folder / "model.safetensors"
    )
    error = refusal(folder)
    assert "resnet" in error.what and "ResNetModel" in error.what
    assert error.why.startswith("Known: ") and "ADDING_A_FAMILY.md" in error.fix


def test_a_gguf_is_compared_by_ggufs_names(tmp_path: Path) -> None:
    path = write_gguf("qwen3", tmp_path / "a.gguf")
    path.write_bytes(path.read_bytes().replace(b"qwen3", b"onmar"))
    error = refusal(path)
    assert "'onmar'" in error.what and "nearest is qwen3" in error.why
    assert "optimum" not in error.fix


def test_a_family_that_is_not_read_from_a_gguf_says_from_what(tmp_path: Path) -> None:
    with open_source(write_gguf("qwen3", tmp_path / "a.gguf")) as source:
        source.model_type = "hyperclovax"
        with pytest.raises(UnknownArchitecture, match="cannot be read from gguf") as caught:
            recognise(source)
    assert "read from: huggingface" in caught.value.why
    assert "Hugging Face folder" in caught.value.fix


@pytest.mark.parametrize(
    ("model_type", "task"),
    [
        ("mistral", "text-generation-with-past"),
        ("deberta_v2", "fill-mask"),
        ("speech_to_text", "automatic-speech-recognition-with-past"),
        ("onmaru", None),
        ("vit", None),
    ],
)
def test_optimum_is_offered_where_it_exports(model_type: str, task: str | None) -> None:
    assert task_of(model_type) == task


def test_the_offer_is_a_command(altered: Callable[..., Path]) -> None:
    folder = altered("llama3", model_type="mistral")
    fix = refusal(folder).fix
    command = f"optimum-cli export onnx --model {folder} --task text-generation-with-past"
    assert command in fix and "ADDING_A_FAMILY.md" in fix


def test_kinds_leave_out_the_numbers() -> None:
    names = [
        "model.layers.3.mlp.experts.0.up",
        "model.layers.12.mlp.experts.7.up",
        "h1.q",
        "blk.0_a",
    ]
    assert set(kinds((name, (1,)) for name in names)) == {
        "model.layers.{i}.mlp.experts.{n}.up",
        "h1.q",
        "blk.{i}_a",
    }
