"""Qwen 3: Llama with an RMSNorm on every head's q and k."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ondol_converters.families.decoder import LLAMA_NAMES, Covered, Decoder, Family
from ondol_converters.families.qwen2 import read as read_qwen2


def read(config: Mapping[str, Any], source_format: str) -> Decoder:
    """Qwen 3's config: head_dim defaults to 128, biases only where `attention_bias` says."""
    decoder = read_qwen2({"head_dim": 128, **config}, source_format)
    bias = bool(config.get("attention_bias", False))
    o_bias = bool(config.get("attention_out_bias", bias))
    return replace(decoder, qkv_bias=bias, o_bias=o_bias, qk_norm=True)


FAMILY = Family(
    model_type="qwen3",
    architectures=("Qwen3ForCausalLM",),
    read=read,
    names=LLAMA_NAMES,
    models=(Covered("Qwen3 0.6B, 1.7B, 4B", "Apache-2.0", "commercial"),),
)
