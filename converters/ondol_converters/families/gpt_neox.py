"""GPT-NeoX, Polyglot-Ko: parallel branches with a LayerNorm each; q, k and v beside each other."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ondol_converters.families.decoder import Covered, Decoder, Family
from ondol_converters.families.gpt2 import NAMES as GPT2_NAMES
from ondol_converters.families.gpt2 import read_gpt

NAMES = {
    "huggingface": {
        "embedding": "gpt_neox.embed_in.weight",
        "final_norm": "gpt_neox.final_layer_norm.weight",
        "final_norm_bias": "gpt_neox.final_layer_norm.bias",
        "head": "embed_out.weight",
        "attention_norm": "gpt_neox.layers.{i}.input_layernorm.weight",
        "attention_norm_bias": "gpt_neox.layers.{i}.input_layernorm.bias",
        "qkv": "gpt_neox.layers.{i}.attention.query_key_value",
        "o": "gpt_neox.layers.{i}.attention.dense",
        "mlp_norm": "gpt_neox.layers.{i}.post_attention_layernorm.weight",
        "mlp_norm_bias": "gpt_neox.layers.{i}.post_attention_layernorm.bias",
        "up": "gpt_neox.layers.{i}.mlp.dense_h_to_4h",
        "down": "gpt_neox.layers.{i}.mlp.dense_4h_to_h",
    },
    "gguf": {name: own for name, own in GPT2_NAMES["gguf"].items() if name != "positions"},
}

SHARES = ("rotary_pct", "partial_rotary_factor")

UNSAID = {"huggingface": 0.25, "gguf": 1.0}
"""The share of a head that turns where a config does not say it."""


def read(config: Mapping[str, Any], source_format: str) -> Decoder:
    """GPT-NeoX's config (arXiv 2204.06745); a share of each head is turned."""
    defaults = {"hidden_act": "gelu", "layer_norm_eps": 1e-5}
    decoder = read_gpt({**defaults, **config}, source_format)
    share, *others = _shares(config) or [UNSAID[source_format]]
    if others:
        raise ValueError(f"two shares of a head that turn: {share}, {others[0]}")
    bias = bool(config.get("attention_bias", True))
    return replace(
        decoder,
        # a share of a whole number of elements, less what floats lost of it
        rotary_dims=int(decoder.head_dim * share + 1e-6),
        parallel=bool(config.get("use_parallel_residual", True)),
        qkv_bias=bias,
        o_bias=bias,
        fused_qkv=True,
    )


def _shares(config: Mapping[str, Any]) -> list[float]:
    """How much of a head turns, by transformers' older and newer word for it."""
    said = (config.get(key) for key in SHARES)
    return sorted({float(value) for value in said if value is not None})


FAMILY = Family(
    model_type="gpt_neox",
    architectures=("GPTNeoXForCausalLM",),
    read=read,
    names=NAMES,
    views={"huggingface": {"qkv": "by_head"}},
    aliases={"rotary_emb_base": "rope_theta"},
    heeds=SHARES,
    models=(Covered("Polyglot-Ko 1.3B, 3.8B, 5.8B, 12.8B", "Apache-2.0", "commercial"),),
)
