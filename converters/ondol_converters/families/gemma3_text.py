"""Gemma 3, text: norms before and after, sliding layers with a rope of their own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ondol_converters.families.decoder import (
    LLAMA_NAMES,
    Decoder,
    Family,
    Layer,
    Rope,
    read_llama,
)

SLIDING_PATTERN = 6  # every sixth layer sees everything
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
    kinds = config.get("layer_types") or [
        "full_attention" if (i + 1) % pattern == 0 else "sliding_attention" for i in range(count)
    ]
    if len(kinds) != count or set(kinds) - {"full_attention", "sliding_attention"}:
        raise ValueError(f"layer_types = {kinds!r:.200}")
    window = int(config.get("sliding_window") or 0)
    local = Rope(float(config.get("rope_local_base_freq") or 10000.0))
    return replace(
        decoder,
        ropes=(decoder.ropes[0], local),
        layers=tuple(
            Layer(rope=1, window=window) if kind == "sliding_attention" else Layer()
            for kind in kinds
        ),
        attention_scale=float(config.get("query_pre_attn_scalar") or decoder.head_dim) ** -0.5,
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
)
