"""GPT-J, KoGPT 6B: attention and MLP read one LayerNorm; the first elements of heads turn."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ondol_converters.families.decoder import Covered, Decoder, Family
from ondol_converters.families.gpt2 import ALIASES, read_gpt

NAMES = {
    "huggingface": {
        "embedding": "transformer.wte.weight",
        "final_norm": "transformer.ln_f.weight",
        "final_norm_bias": "transformer.ln_f.bias",
        "head": "lm_head.weight",
        "head_bias": "lm_head.bias",
        "attention_norm": "transformer.h.{i}.ln_1.weight",
        "attention_norm_bias": "transformer.h.{i}.ln_1.bias",
        "q": "transformer.h.{i}.attn.q_proj",
        "k": "transformer.h.{i}.attn.k_proj",
        "v": "transformer.h.{i}.attn.v_proj",
        "o": "transformer.h.{i}.attn.out_proj",
        "up": "transformer.h.{i}.mlp.fc_in",
        "down": "transformer.h.{i}.mlp.fc_out",
    },
}

ROTARY_DIM = 64


def read(config: Mapping[str, Any], source_format: str) -> Decoder:
    """GPT-J's config; `rotary_dim` elements of each head are turned, in neighbouring pairs."""
    decoder = read_gpt(config, source_format)
    return replace(
        decoder,
        rotary_dims=int(config.get("rotary_dim", ROTARY_DIM)),
        rotary_interleaved=True,
        parallel=True,
        shared_norm=True,
        qkv_bias=False,
        o_bias=False,
        head_bias=True,
    )


FAMILY = Family(
    model_type="gptj",
    architectures=("GPTJForCausalLM",),
    read=read,
    names=NAMES,
    aliases=ALIASES,
    heeds=("rotary_dim",),
    models=(Covered("KoGPT 6B", "CC-BY-NC-ND-4.0", "research-only"),),
)
