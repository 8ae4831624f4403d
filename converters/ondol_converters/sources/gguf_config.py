"""GGUF's keys in the words of Hugging Face's `config.json`: tables, and what no table can say."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ondol.errors import CorruptSource, UnsupportedTensor
from ondol.language import say
from ondol_converters.sources import Json, TensorInfo
from ondol_converters.sources.gguf_values import Value
from ondol_converters.sources.parts import broken

INTEGERS = {
    "hidden_size": "embedding_length",
    "intermediate_size": "feed_forward_length",
    "num_hidden_layers": "block_count",
    "num_attention_heads": "attention.head_count",
    "num_key_value_heads": "attention.head_count_kv",
    "head_dim": "attention.key_length",
    "sliding_window": "attention.sliding_window",
    "max_position_embeddings": "context_length",
    "vocab_size": "vocab_size",
}
"""`config.json`'s whole numbers, and GGUF's keys after the architecture's name."""

FLOATS = {
    "rms_norm_eps": "attention.layer_norm_rms_epsilon",
    "layer_norm_eps": "attention.layer_norm_epsilon",
    "rope_theta": "rope.freq_base",
    "rope_local_base_freq": "rope.freq_base_swa",
    "attn_logit_softcapping": "attn_logit_softcapping",
    "final_logit_softcapping": "final_logit_softcapping",
}
"""Numbers with a fraction, likewise."""

SWITCHES = {"use_parallel_residual": "use_parallel_residual"}
"""What is true or false, likewise."""

SCALING_FLOATS = {
    "factor": "rope.scaling.factor",
    "attention_factor": "rope.scaling.attn_factor",
    "beta_fast": "rope.scaling.yarn_beta_fast",
    "beta_slow": "rope.scaling.yarn_beta_slow",
}
"""What `rope_scaling` holds, likewise."""

ROPE_FACTORS = "rope_freqs.weight"
"""Llama 3's scaling comes as this tensor: divisors of the frequencies, float32 [head_dim / 2]."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """What GGUF leaves out because its readers know the architecture.

    `model_type` is Hugging Face's word. `config` are numbers that no key carries or that a file
    may omit. Two keys are ours: `interleaved_rope` (q and k rows are ordered so that a rotary pair
    is two neighbours, as the converter to GGUF permuted them, not two halves), and
    `attention_out_bias` (GGUF may bias q, k and v but not the output).
    """

    model_type: str
    config: Mapping[str, Json] = field(default_factory=dict)


ARCHITECTURES: Mapping[str, Architecture] = {
    "exaone": Architecture("exaone", {"hidden_act": "silu", "rope_theta": 10_000.0}),
    "exaone4": Architecture("exaone4", {"hidden_act": "silu", "rope_theta": 10_000.0}),
    "gemma3": Architecture(
        "gemma3_text",
        {
            "hidden_activation": "gelu_pytorch_tanh",
            "rope_theta": 1_000_000.0,
            "rope_local_base_freq": 10_000.0,
            "sliding_window_pattern": 6,
        },
    ),
    "gpt2": Architecture("gpt2", {"hidden_act": "gelu_new"}),
    # llama.cpp computes the tanh fit; the models were trained with the exact function
    "gptneox": Architecture("gpt_neox", {"hidden_act": "gelu", "rope_theta": 10_000.0}),
    "llama": Architecture(
        "llama", {"hidden_act": "silu", "rope_theta": 10_000.0, "interleaved_rope": True}
    ),
    "qwen2": Architecture("qwen2", {"hidden_act": "silu", "rope_theta": 10_000.0}),
    "qwen3": Architecture("qwen3", {"hidden_act": "silu", "rope_theta": 10_000.0}),
}
"""By `general.architecture`. Another one keeps its own word, and the numbers of the tables."""


def read_config(
    path: Path, metadata: Mapping[str, Value], tensors: Mapping[str, TensorInfo]
) -> tuple[str, dict[str, Json]]:
    """The `model_type` and the config of a GGUF file.

    Raises:
        CorruptSource: if it names no architecture, or a number is not one.
        UnsupportedTensor: if a number differs from layer to layer.
    """
    name = metadata.get("general.architecture")
    if not isinstance(name, str) or not name:
        raise broken(
            path.name,
            "It does not say its architecture (general.architecture).",
            "모델 구조(general.architecture)가 적혀 있지 않습니다.",
        )
    known = ARCHITECTURES.get(name, Architecture(name))
    keys = _Keys(path, name, metadata)
    config: dict[str, Json] = dict(known.config)
    config.update(keys.integers(INTEGERS))
    config.update(keys.floats(FLOATS))
    config.update(keys.switches(SWITCHES))
    config.update(keys.pattern())
    scaling = _scaling(keys, tensors)
    if scaling:
        config["rope_scaling"] = scaling
    embedding = tensors.get("token_embd.weight")
    if embedding is not None:
        config["vocab_size"] = embedding.shape[0]
    config["tie_word_embeddings"] = "output.weight" not in tensors
    config["attention_bias"] = any(f"blk.0.attn_{x}.bias" in tensors for x in ("q", "qkv"))
    config["attention_out_bias"] = "blk.0.attn_output.bias" in tensors
    config["mlp_bias"] = "blk.0.ffn_down.bias" in tensors
    heads, hidden, size = (
        config.get(key) for key in ("num_attention_heads", "hidden_size", "head_dim")
    )
    if isinstance(heads, int) and isinstance(hidden, int) and heads > 0:
        if not isinstance(size, int):
            size = config["head_dim"] = hidden // heads
        # Gemma 3 27B alone scales by the hidden size; GGUF's readers know it by its depth.
        widest = known.model_type == "gemma3_text" and config.get("num_hidden_layers") == 62
        config["query_pre_attn_scalar"] = hidden // heads if widest else size
        turned = keys.integers({"n": "rope.dimension_count"}).get("n")
        if isinstance(turned, int) and size > 0 and turned != size:
            config["partial_rotary_factor"] = turned / size
    return known.model_type, config


def _scaling(keys: "_Keys", tensors: Mapping[str, TensorInfo]) -> dict[str, Json]:
    kind = keys.text("rope.scaling.type")
    if ROPE_FACTORS in tensors:
        both = "tensor" if kind in (None, "none") else f"tensor and {kind}"
        return {"rope_type": both, "tensor": ROPE_FACTORS}
    legacy = keys.floats({"factor": "rope.scale_linear"})
    if kind in (None, "none"):
        return {"rope_type": "linear", **legacy} if legacy and kind is None else {}
    original = {"original_max_position_embeddings": "rope.scaling.original_context_length"}
    return {"rope_type": kind, **legacy, **keys.floats(SCALING_FLOATS), **keys.integers(original)}


class _Keys:
    """The keys of one architecture, with their kinds checked."""

    def __init__(self, path: Path, architecture: str, metadata: Mapping[str, Value]) -> None:
        self._path = path
        self._prefix = architecture + "."
        self._metadata = metadata

    def integers(self, table: Mapping[str, str]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for name, key in table.items():
            value = self._single(key)
            if value is not None:
                if type(value) is not int:
                    raise self._wrong(key, value)
                found[name] = value
        return found

    def floats(self, table: Mapping[str, str]) -> dict[str, Json]:
        found: dict[str, Json] = {}
        for name, key in table.items():
            value = self._single(key)
            if value is not None:
                if type(value) not in (int, float) or not math.isfinite(float(str(value))):
                    raise self._wrong(key, value)
                # The shortest number that is the same float32: 1e-06, not 9.999999974752427e-07.
                found[name] = float(str(np.float32(float(str(value)))))
        return found

    def switches(self, table: Mapping[str, str]) -> dict[str, Json]:
        """What is true or false."""
        found: dict[str, Json] = {}
        for name, key in table.items():
            value = self._metadata.get(self._prefix + key)
            if value is not None:
                if not isinstance(value, bool):
                    raise self._wrong(key, value)
                found[name] = value
        return found

    def pattern(self) -> dict[str, Json]:
        """Which layers slide: every nth sees everything, or a yes or no for each layer."""
        key = "attention.sliding_window_pattern"
        value = self._metadata.get(self._prefix + key)
        if isinstance(value, np.ndarray) and value.dtype == np.bool_:
            kinds = ("full_attention", "sliding_attention")
            return {"layer_types": [kinds[bool(slides)] for slides in value]}
        return self.integers({"sliding_window_pattern": key})

    def text(self, key: str) -> str | None:
        value = self._metadata.get(self._prefix + key)
        if value is not None and not isinstance(value, str):
            raise self._wrong(key, value)
        return value

    def _single(self, key: str) -> "Value | None":
        """The value; of a list by layer, the one that all layers share."""
        value = self._metadata.get(self._prefix + key)
        if not isinstance(value, np.ndarray):
            return value
        values = set(value.tolist())
        if len(values) != 1:
            raise UnsupportedTensor(
                say(
                    f"The layers of {self._path.name} are not alike.",
                    f"{self._path.name}의 층들이 서로 다릅니다.",
                ),
                say(
                    f"{self._prefix}{key} differs from layer to layer.",
                    f"{self._prefix}{key} 값이 층마다 다릅니다.",
                ),
                say("Choose a model with uniform layers.", "층이 모두 같은 모델을 고르세요."),
            )
        single: Value = values.pop()
        return single

    def _wrong(self, key: str, value: Value) -> CorruptSource:
        shown = repr(value)[:40]
        return broken(
            self._path.name,
            f"{self._prefix}{key} cannot be {shown}.",
            f"{self._prefix}{key} 값이 {shown}일 수 없습니다.",
        )
