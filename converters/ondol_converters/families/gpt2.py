"""GPT-2, KoGPT2: learned positions, LayerNorm, a plain MLP; matrices stored transposed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ondol_converters.families.decoder import Covered, Decoder, Family, Layer, read_llama

NAMES = {
    "huggingface": {
        "embedding": "transformer.wte.weight",
        "positions": "transformer.wpe.weight",
        "final_norm": "transformer.ln_f.weight",
        "final_norm_bias": "transformer.ln_f.bias",
        "head": "lm_head.weight",
        "attention_norm": "transformer.h.{i}.ln_1.weight",
        "attention_norm_bias": "transformer.h.{i}.ln_1.bias",
        "qkv": "transformer.h.{i}.attn.c_attn",
        "o": "transformer.h.{i}.attn.c_proj",
        "mlp_norm": "transformer.h.{i}.ln_2.weight",
        "mlp_norm_bias": "transformer.h.{i}.ln_2.bias",
        "up": "transformer.h.{i}.mlp.c_fc",
        "down": "transformer.h.{i}.mlp.c_proj",
    },
    "gguf": {
        "embedding": "token_embd.weight",
        "positions": "position_embd.weight",
        "final_norm": "output_norm.weight",
        "final_norm_bias": "output_norm.bias",
        "head": "output.weight",
        "attention_norm": "blk.{i}.attn_norm.weight",
        "attention_norm_bias": "blk.{i}.attn_norm.bias",
        "qkv": "blk.{i}.attn_qkv",
        "o": "blk.{i}.attn_output",
        "mlp_norm": "blk.{i}.ffn_norm.weight",
        "mlp_norm_bias": "blk.{i}.ffn_norm.bias",
        "up": "blk.{i}.ffn_up",
        "down": "blk.{i}.ffn_down",
    },
}

ALIASES = {
    "activation_function": "hidden_act",
    "layer_norm_epsilon": "layer_norm_eps",
    "n_embd": "hidden_size",
    "n_head": "num_attention_heads",
    "n_inner": "intermediate_size",
    "n_layer": "num_hidden_layers",
    "n_positions": "max_position_embeddings",
}
"""GPT-2's words, which GPT-J shares."""


def read_gpt(config: Mapping[str, Any], source_format: str) -> Decoder:
    """What the GPTs share: LayerNorm, biases on every projection, a plain MLP of four widths."""
    inner = config.get("intermediate_size") or 4 * int(config["hidden_size"])
    activation = config.get("hidden_act") or "gelu_new"
    filled = {"rms_norm_eps": config["layer_norm_eps"], **config}
    decoder = read_llama(
        {**filled, "intermediate_size": inner, "hidden_act": activation}, source_format
    )
    return replace(decoder, norm="layer", gated=False, qkv_bias=True, o_bias=True, mlp_bias=True)


def read(config: Mapping[str, Any], source_format: str) -> Decoder:
    """GPT-2's config: no rope at all, and the head tied unless it says not."""
    decoder = read_gpt({"tie_word_embeddings": True, **config}, source_format)
    layers = (Layer(rope=None),) * len(decoder.layers)
    return replace(decoder, ropes=(), layers=layers, learned_positions=True, fused_qkv=True)


FAMILY = Family(
    model_type="gpt2",
    architectures=("GPT2LMHeadModel",),
    read=read,
    names=NAMES,
    views={"huggingface": dict.fromkeys(("qkv", "o", "up", "down"), "transposed")},
    aliases=ALIASES,
    models=(Covered("KoGPT2 125M", "CC-BY-NC-SA-4.0", "research-only"),),
)
