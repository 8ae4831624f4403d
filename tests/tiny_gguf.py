"""GGUF files of the tiny models, as llama.cpp's converter would write them.

What it writes for each family is in conversion/ of https://github.com/ggml-org/llama.cpp.
"""

import json
import math
import re
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from ondol_converters.families import family
from ondol_converters.quantise.blocks import dense
from ondol_converters.sources import open_source
from tiny_models import MODELS, NAMES

Floats = NDArray[np.float32]
CONV1D = re.compile(r"\.c_(attn|fc|proj)\.weight$")

ARCHITECTURES = {
    "exaone": gguf.MODEL_ARCH.EXAONE,
    "exaone4": gguf.MODEL_ARCH.EXAONE4,
    "gpt2": gguf.MODEL_ARCH.GPT2,
    "gpt_neox": gguf.MODEL_ARCH.GPTNEOX,
    "gemma3_text": gguf.MODEL_ARCH.GEMMA3,
    "llama": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
}

GGUF_NAMES = tuple(
    name
    for name in NAMES
    if json.loads((MODELS / name / "config.json").read_text())["model_type"] in ARCHITECTURES
)
"""The tiny models of architectures that llama.cpp computes."""


def write_gguf(name: str, path: Path, kind: str = "F32") -> Path:
    """Write a tiny model as a GGUF file, its matrices stored as `kind`."""
    folder = MODELS / name
    config = _config(folder)
    architecture = ARCHITECTURES[config["model_type"]]
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[architecture])
    _write_config(writer, config)
    _write_tokenizer(writer, json.loads((folder / "tokenizer.json").read_text()), config)
    names = gguf.get_tensor_name_map(architecture, config["num_hidden_layers"])
    with open_source(folder) as source:
        for tensor, info in source.tensors.items():
            values = dense(source.read(tensor), info.kind, info.shape[-1]).reshape(info.shape)
            found = names.get_name(tensor, try_suffixes=(".weight", ".bias"))
            if found is None:
                raise ValueError(tensor)
            values = _converted(tensor, values, config)
            stored = kind if values.ndim == 2 else "F32"
            quantisation = gguf.GGMLQuantizationType[stored]
            packed = gguf.quants.quantize(values, quantisation)
            writer.add_tensor(found, packed, raw_dtype=quantisation)
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", _rope_factors(config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _config(folder: Path) -> dict[str, Any]:
    """A folder's config in the words that the families read."""
    with open_source(folder) as source:
        aliases = family(source.model_type).aliases
        config: dict[str, Any] = {aliases.get(key, key): v for key, v in source.config.items()}
    config.setdefault("num_key_value_heads", config["num_attention_heads"])
    config["intermediate_size"] = config.get("intermediate_size") or 4 * config["hidden_size"]
    config.setdefault("head_dim", config["hidden_size"] // config["num_attention_heads"])
    return config


def _converted(name: str, values: Floats, config: dict[str, Any]) -> Floats:
    if config["model_type"] == "gemma3_text" and name.endswith("norm.weight"):
        return values + 1
    if config["model_type"] == "llama" and ".q_proj." in name:
        return _permuted(values, config["num_attention_heads"])
    if config["model_type"] == "llama" and ".k_proj." in name:
        return _permuted(values, config["num_key_value_heads"])
    if config["model_type"] == "gpt2" and CONV1D.search(name):
        return np.ascontiguousarray(values.T)
    if config["model_type"] == "gpt_neox" and ".query_key_value." in name:
        heads = values.reshape(config["num_attention_heads"], 3, config["head_dim"], -1)
        return np.ascontiguousarray(heads.swapaxes(0, 1).reshape(values.shape))
    return values


def _permuted(values: Floats, heads: int) -> Floats:
    """Rows of each head so that the two of a rotary pair become neighbours."""
    halves = values.reshape(heads, 2, values.shape[0] // heads // 2, *values.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(values.shape))


def _rope_factors(config: dict[str, Any]) -> Floats:
    """What Llama 3 divides each frequency by (llama.cpp's rope_freqs)."""
    scaling, size = config["rope_scaling"], config["head_dim"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    original, factor = scaling["original_max_position_embeddings"], scaling["factor"]
    factors = []
    for i in range(0, size, 2):
        wavelength = 2 * math.pi * config["rope_theta"] ** (i / size)
        if wavelength < original / high:
            factors.append(1.0)
        elif wavelength > original / low:
            factors.append(factor)
        else:
            smooth = (original / wavelength - low) / (high - low)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    if len(set(factors)) < 3:
        raise ValueError("not all of Llama 3's bands are tested")
    return np.array(factors, np.float32)


def _write_config(writer: gguf.GGUFWriter, config: dict[str, Any]) -> None:
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    if "rms_norm_eps" in config:
        writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    else:
        writer.add_layer_norm_eps(config["layer_norm_eps"])
    if "rope_theta" in config and config["model_type"] != "gpt_neox":
        writer.add_rope_freq_base(config["rope_theta"])
    size = config["head_dim"]
    if config["model_type"] in ("exaone", "llama"):
        writer.add_rope_dimension_count(size)
    if config["model_type"] in ("exaone", "exaone4", "gemma3_text", "qwen3"):
        writer.add_key_length(size)
        writer.add_value_length(size)
    if config["model_type"] in ("exaone4", "gemma3_text") and config["sliding_window"]:
        writer.add_sliding_window(config["sliding_window"])
    if config["model_type"] == "exaone4" and config["sliding_window"]:
        slides = [kind == "sliding_attention" for kind in config["layer_types"]]
        writer.add_sliding_window_pattern(slides)
    if config["model_type"] == "gpt_neox":
        writer.add_rope_dimension_count(int(config["rotary_pct"] * size))
        writer.add_parallel_residual(config["use_parallel_residual"])
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type") == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(scaling["factor"])


def _write_tokenizer(
    writer: gguf.GGUFWriter, tokenizer: dict[str, Any], config: dict[str, Any]
) -> None:
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    vocabulary = {**tokenizer["model"]["vocab"], **special}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    tokens = sorted(vocabulary, key=lambda token: int(vocabulary[token]))
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in special else 1 for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    writer.add_bos_token_id(config["bos_token_id"])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_add_bos_token(True)
