"""Gemma 3, text: norms before and after, sliding layers with a rope of their own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ondol_converters.families.decoder import (
    LLAMA_NAMES,
    Covered,
    Decoder,
    Family,
    Layer,
    Rope,
    read_llama,
    sliding,
)

SLIDING_PATTERN = 6  # every sixth layer sees everything
SLIDING_WINDOW = 4096
HEAD_DIM = 256

NAMES = {
    "huggingface": {
        **LLAMA_NAMES["huggingface"],
        "post_attention_norm": "model.layers.{i}.post_attention_layernorm.weight",
        "mlp_norm": "model.layers.{i}.pre_feedforward_layernorm.weight",
        "post_mlp_norm": "model.layers.{i}.post_feedforward_layernorm.weight",
    },
    "gguf": {
        **LLAMA_NAMES["gguf"],
        "post_attention_norm": "blk.{i}.post_attention_norm.weight",
        "post_mlp_norm": "blk.{i}.post_ffw_norm.weight",
    },
}


def read(config: Mapping[str, Any], source_format: str) -> Decoder:
    """Gemma 3's config, its defaults as in its paper (arXiv 2503.19786)."""
    defaults = {
        "head_dim": HEAD_DIM,
        "hidden_activation": "gelu_pytorch_tanh",
        "rope_theta": 1e6,
        "tie_word_embeddings": True,
    }
    decoder = read_llama({**defaults, **config}, source_format)
    count = len(decoder.layers)
    pattern = int(config.get("sliding_window_pattern") or SLIDING_PATTERN)
    slides = sliding(config, [(i + 1) % pattern != 0 for i in range(count)])
    window = int(config.get("sliding_window") or SLIDING_WINDOW)
    scalar = float(config.get("query_pre_attn_scalar") or decoder.head_dim)
    if scalar <= 0:
        raise ValueError(f"query_pre_attn_scalar {scalar}")
    local = Rope(float(config.get("rope_local_base_freq") or 10000.0))
    return replace(
        decoder,
        ropes=(decoder.ropes[0], local),
        layers=tuple(Layer(rope=1, window=window) if slide else Layer() for slide in slides),
        attention_scale=scalar**-0.5,
        embedding_scale=decoder.hidden**0.5,
        norm_offset=1.0 if source_format == "huggingface" else 0.0,  # GGUF stores 1 + w
        qk_norm=True,
        post_norms=True,
    )


FAMILY = Family(
    model_type="gemma3_text",
    architectures=("Gemma3ForCausalLM",),
    read=read,
    names=NAMES,
    models=(Covered("Gemma 3 270M, 1B", "Gemma", "conditional"),),
)
