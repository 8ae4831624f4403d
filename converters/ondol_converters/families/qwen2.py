"""Qwen 2 and 2.5, A.X 4.0 Light: Llama with biases on q, k and v."""

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


def read(config: Mapping[str, Any], source_format: str) -> Decoder:
    """Qwen 2's config; `use_sliding_window` slides the layers from `max_window_layers` on."""
    decoder = read_llama(config, source_format)
    window = int(config.get("sliding_window") or 0) if config.get("use_sliding_window") else 0
    given = config.get("max_window_layers")
    first = len(decoder.layers) if given is None else int(given)
    slides = sliding(config, [i >= first for i in range(len(decoder.layers))])
    layers = tuple(Layer(window=window if slide else 0) for slide in slides)
    return replace(decoder, layers=layers, qkv_bias=True, o_bias=False)


FAMILY = Family(
    model_type="qwen2",
    architectures=("Qwen2ForCausalLM",),
    read=read,
    names=LLAMA_NAMES,
    models=(
        Covered("A.X 4.0 Light 7B", "Apache-2.0", "commercial"),
        Covered("DeepSeek-R1-Distill-Qwen 1.5B", "MIT", "commercial"),
        Covered("Qwen2.5 0.5B, 1.5B", "Apache-2.0", "commercial"),
        Covered("Qwen2.5 3B", "Qwen Research", "research-only"),
    ),
)
