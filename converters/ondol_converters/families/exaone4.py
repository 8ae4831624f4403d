"""EXAONE 4.0: norms after attention and MLP only; in hybrid models only sliding layers turn."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ondol_converters.families.decoder import (
    LLAMA_NAMES,
    Covered,
    Decoder,
    Family,
    Layer,
    read_llama,
    sliding,
)

SLIDING_PATTERN = 4  # every fourth layer sees everything

NAMES = {
    "huggingface": {
        **LLAMA_NAMES["huggingface"],
        "post_attention_norm": "model.layers.{i}.post_attention_layernorm.weight",
        "post_mlp_norm": "model.layers.{i}.post_feedforward_layernorm.weight",
    },
    "gguf": {
        **LLAMA_NAMES["gguf"],
        "post_attention_norm": "blk.{i}.post_attention_norm.weight",
        "post_mlp_norm": "blk.{i}.post_ffw_norm.weight",
    },
}


def read(config: Mapping[str, Any], source_format: str) -> Decoder:
    """EXAONE 4's config; it is hybrid where it names a `sliding_window` (arXiv 2507.11407)."""
    decoder = read_llama(config, source_format)
    window = int(config.get("sliding_window") or 0)
    slides = sliding(config, _pattern(config, len(decoder.layers)))
    layers = decoder.layers
    if window:
        layers = tuple(Layer(0, window) if slide else Layer(None) for slide in slides)
    return replace(decoder, layers=layers, pre_norms=False, post_norms=True, qk_norm=True)


def _pattern(config: Mapping[str, Any], count: int) -> list[bool]:
    """Which layers slide: all but every nth, or as letters say (L slides, G does not)."""
    pattern = config.get("sliding_window_pattern") or SLIDING_PATTERN
    if isinstance(pattern, str):
        if set(pattern) - set("LG"):
            raise ValueError(f"sliding_window_pattern {pattern!r}")
        return [pattern[i % len(pattern)] == "L" for i in range(count)]
    return [(i + 1) % int(pattern) != 0 for i in range(count)]


FAMILY = Family(
    model_type="exaone4",
    architectures=("Exaone4ForCausalLM",),
    read=read,
    names=NAMES,
    models=(
        Covered("EXAONE 4.0 1.2B", "EXAONE AI Model License 1.2 - NC", "research-only"),
        Covered("EXAONE 4.0 32B", "EXAONE AI Model License 1.2 - NC", "research-only"),
    ),
)
