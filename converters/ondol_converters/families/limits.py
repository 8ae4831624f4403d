"""What a config may say that the graph does not draw, and numbers that cannot be.

A key that changes what a model computes and is ignored makes a model that answers wrongly, so
each such key is a row here, with the values under which it changes nothing.
"""

import math
from collections.abc import Mapping
from typing import Any

from ondol.errors import CorruptSource, UnsupportedTensor
from ondol.language import say
from ondol_converters.families.decoder import MOST_LAYERS, Decoder

HARMLESS: Mapping[str, tuple[Any, ...]] = {
    "add_cross_attention": (None, False),
    "alibi": (None, False),
    "attention_chunk_size": (None,),
    "attention_multiplier": (None,),
    "attn_logit_softcapping": (None,),
    "clip_qkv": (None,),
    "embedding_multiplier": (None, 1),
    "final_logit_softcapping": (None,),
    "is_encoder_decoder": (None, False),
    "logit_scale": (None, 1),
    "logits_scaling": (None, 1),
    "n_routed_experts": (None, 0),
    "num_experts": (None, 0),
    "num_local_experts": (None, 0),
    "partial_rotary_factor": (None, 1),
    "rotary_dim": (None,),
    "rotary_pct": (None, 1),
    "scale_attn_by_inverse_layer_idx": (None, False),
    "scale_attn_weights": (None, True),
    "quantization_config": (None, {}),
    "residual_multiplier": (None, 1),
    "rope_local_scaling": (None,),
    "use_bidirectional_attention": (None, False),
}
"""Keys of a config, and the values that mean the same as no such key."""

MOST = 1 << 24
HEAD_STEP = 8  # what GroupQueryAttention wants of a head's size


def check_config(config: Mapping[str, Any], d: Decoder, heeds: tuple[str, ...] = ()) -> None:
    """Refuse what the graph would silently ignore, and sizes that cannot be.

    `heeds` are the keys of `HARMLESS` that the family has read.

    Raises:
        UnsupportedTensor: naming the key and its value.
        CorruptSource: if a size or a number is out of any range.
    """
    _check_sizes(d)
    _check_numbers(d)
    for key, values in HARMLESS.items():
        if key not in heeds and config.get(key) not in values:
            raise unsupported(d.model_type, f"{key} = {config[key]!r}"[:200])


def unsupported(model_type: str, what: str) -> UnsupportedTensor:
    """The error of a config that asks for what the graph cannot draw."""
    return UnsupportedTensor(
        say(
            f"The config of this {model_type} cannot be used.",
            f"{model_type} 설정을 쓸 수 없습니다.",
        ),
        say(
            f"It asks for what the graph does not draw: {what}.",
            f"그래프로 옮길 수 없는 값이 있습니다: {what}",
        ),
        say("Choose another version of the model.", "이 모델의 다른 판을 고르세요."),
    )


def _check_sizes(d: Decoder) -> None:
    sizes = (d.hidden, d.intermediate, d.heads, d.kv_heads, d.head_dim, d.vocabulary, d.max_context)
    if min(sizes) <= 0 or max(sizes) > MOST or not 0 < len(d.layers) <= MOST_LAYERS:
        why = say(
            f"Sizes: {sizes}, {len(d.layers)} layers.", f"크기: {sizes}, 층 {len(d.layers)}개"
        )
    elif d.heads % d.kv_heads or d.turned % 2 or not 0 < d.turned <= d.head_dim:
        why = say(
            f"{d.heads} heads over {d.kv_heads} key heads, {d.turned} of {d.head_dim} turned.",
            f"헤드 {d.heads}개, 키 헤드 {d.kv_heads}개, 크기 {d.head_dim} 중 {d.turned} 회전",
        )
    elif d.head_dim % HEAD_STEP:
        raise UnsupportedTensor(
            say(
                f"Heads of {d.head_dim} elements cannot be run.",
                f"크기가 {d.head_dim}인 헤드는 실행할 수 없습니다.",
            ),
            say(
                f"The attention kernel takes multiples of {HEAD_STEP}.",
                f"어텐션 커널은 {HEAD_STEP}의 배수만 받습니다.",
            ),
            say("Choose another model.", "다른 모델을 고르세요."),
        )
    else:
        return
    raise _impossible(why)


def _check_numbers(d: Decoder) -> None:
    numbers = {
        "rms_norm_eps": d.norm_epsilon,
        "attention_scale": d.attention_scale,
        "embedding_scale": d.embedding_scale,
        "residual_scale": d.residual_scale,
        "logit_scale": d.logit_scale,
        "windows": 1 + min(layer.window for layer in d.layers),
    }
    for j, rope in enumerate(d.ropes):
        numbers |= {f"ropes[{j}].theta": rope.theta, f"ropes[{j}].factor": rope.factor}
        if rope.scaling == "llama3":
            numbers[f"ropes[{j}].low_freq_factor"] = rope.low_freq_factor
            numbers[f"ropes[{j}].high_freq_factor"] = rope.high_freq_factor - rope.low_freq_factor
            numbers[f"ropes[{j}].original_context"] = rope.original_context
    for name, value in numbers.items():
        if not (math.isfinite(value) and value > 0):
            raise _impossible(f"{name}: {value}")


def _impossible(why: str) -> CorruptSource:
    return CorruptSource(
        say("The config holds numbers that cannot be.", "설정에 있을 수 없는 수가 있습니다."),
        why,
        say("Get the model again, whole.", "모델을 온전히 다시 받으세요."),
    )
