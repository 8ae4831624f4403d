"""GGUF files of the tiny models, as llama.cpp's converter would write them."""

import json
import math
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray

from ondol_converters.quantise.blocks import dense
from ondol_converters.sources import open_source
from tiny_models import MODELS

Floats = NDArray[np.float32]

ARCHITECTURES = {
    "gemma3_text": gguf.MODEL_ARCH.GEMMA3,
    "llama": gguf.MODEL_ARCH.LLAMA,
    "qwen2": gguf.MODEL_ARCH.QWEN2,
    "qwen3": gguf.MODEL_ARCH.QWEN3,
}


def write_gguf(name: str, path: Path, kind: str = "F32") -> Path:
    """Write a tiny model as a GGUF file, its matrices stored as `kind`."""
    folder = MODELS / name
    config = json.loads((folder / "config.json").read_text())
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


def _converted(name: str, values: Floats, config: dict[str, Any]) -> Floats:
    if config["model_type"] == "gemma3_text" and name.endswith("norm.weight"):
        return values + 1
    if config["model_type"] == "llama" and ".q_proj." in name:
        return _permuted(values, config["num_attention_heads"])
    if config["model_type"] == "llama" and ".k_proj." in name:
        return _permuted(values, config["num_key_value_heads"])
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
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(config["rope_theta"])
    size = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    if config["model_type"] == "llama":
        writer.add_rope_dimension_count(size)
    if config["model_type"] in ("gemma3_text", "qwen3"):
        writer.add_key_length(size)
        writer.add_value_length(size)
    if config["model_type"] == "gemma3_text":
        writer.add_sliding_window(config["sliding_window"])
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
