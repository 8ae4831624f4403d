"""HyperCLOVA X SEED Think: Llama with muP's multipliers, and norms after each branch too."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ondol_converters.families.decoder import LLAMA_NAMES, Covered, Decoder, Family, read_llama

NAMES = {
    "huggingface": {
        **LLAMA_NAMES["huggingface"],
        "post_attention_norm": "model.layers.{i}.post_norm1.weight",
        "post_mlp_norm": "model.layers.{i}.post_norm2.weight",
    },
}

MULTIPLIERS = (
    "attention_multiplier",
    "embedding_multiplier",
    "logits_scaling",
    "residual_multiplier",
)


def read(config: Mapping[str, Any], source_format: str) -> Decoder:
    """HyperCLOVA X's config: muP (arXiv 2203.03466), Peri-LN (arXiv 2502.02732) unless said.

    `logits_scaling` is a factor here; in Granite, whose words these are, it is a divisor.
    """
    decoder = read_llama(config, source_format)
    attention, embedding, logits, residual = (config.get(key) for key in MULTIPLIERS)
    post_norms = config.get("use_post_norm")
    return replace(
        decoder,
        attention_scale=decoder.attention_scale if attention is None else float(attention),
        embedding_scale=1.0 if embedding is None else float(embedding),
        logit_scale=1.0 if logits is None else float(logits),
        residual_scale=1.0 if residual is None else float(residual),
        post_norms=post_norms is None or bool(post_norms),
    )


FAMILY = Family(
    model_type="hyperclovax",
    architectures=("HyperCLOVAXForCausalLM",),
    read=read,
    names=NAMES,
    heeds=MULTIPLIERS,
    models=(Covered("HyperCLOVA X SEED Think 14B", "HyperCLOVA X SEED", "conditional"),),
)
