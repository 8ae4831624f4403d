"""Model families by the `model_type` of their config. Adding one: a file here and a row below."""

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ondol.errors import CorruptSource, UnknownArchitecture, UnsupportedTensor
from ondol.language import say
from ondol_converters.families.decoder import Decoder, Family

FAMILIES = {
    "gemma3_text": "ondol_converters.families.gemma3_text",
    "llama": "ondol_converters.families.llama",
    "qwen2": "ondol_converters.families.qwen2",
    "qwen3": "ondol_converters.families.qwen3",
}

HEAD_STEP = 16  # what GroupQueryAttention wants of a head's size when it turns q and k


def family(model_type: str) -> Family:
    """The family of a `model_type`.

    Raises:
        UnknownArchitecture: naming it, the nearest known one and all that are known.
    """
    if model_type not in FAMILIES:
        known = ", ".join(sorted(FAMILIES))
        near = difflib.get_close_matches(model_type, FAMILIES, n=1)
        hint = (
            say(f" The nearest is {near[0]}.", f" 가장 가까운 것은 {near[0]}입니다.")
            if near
            else ""
        )
        raise UnknownArchitecture(
            say(
                f"The architecture {model_type!r} is not known to Ondol.",
                f"온돌이 모르는 모델 구조입니다: {model_type!r}",
            ),
            say(f"Known: {known}.{hint}", f"아는 구조: {known}.{hint}"),
            say(
                "Convert a model of a known family, or add one: converters/README.md.",
                "아는 구조의 모델을 고르거나 converters/README.md를 보고 추가하세요.",
            ),
        )
    found: Family = import_module(FAMILIES[model_type]).FAMILY
    return found


def describe(model_type: str, config: Mapping[str, Any], source_format: str) -> Decoder:
    """The decoder that a config describes.

    Raises:
        UnknownArchitecture: if no family has this `model_type`.
        CorruptSource: if the config leaves out a number or contradicts itself.
        UnsupportedTensor: if it asks for something the graph cannot draw.
    """
    known = family(model_type)
    try:
        decoder = known.read({**config, "model_type": model_type}, source_format)
    except KeyError as exc:
        raise CorruptSource(
            say(
                f"The config of this {model_type} has no {exc}.",
                f"{model_type} 설정에 {exc} 항목이 없습니다.",
            ),
            say(
                "Without it the graph cannot be drawn.", "이 값이 없으면 그래프를 그릴 수 없습니다."
            ),
            say("Fetch the model again, whole.", "모델을 온전히 다시 받으세요."),
        ) from exc
    except (TypeError, ValueError) as exc:
        raise UnsupportedTensor(
            say(
                f"The config of this {model_type} cannot be used.",
                f"{model_type} 설정을 쓸 수 없습니다.",
            ),
            say(f"It holds: {exc}.", f"설정에 있는 값: {exc}"),
        ) from exc
    _check(decoder)
    return decoder


def _check(d: Decoder) -> None:
    sizes = (d.hidden, d.intermediate, d.heads, d.kv_heads, d.head_dim, d.vocabulary, d.max_context)
    if min(sizes) <= 0 or max(sizes) > 1 << 24 or not 0 < len(d.layers) <= 1 << 10:
        why = say(
            f"Sizes: {sizes}, {len(d.layers)} layers.", f"크기: {sizes}, 층 {len(d.layers)}개"
        )
    elif d.heads % d.kv_heads or d.head_dim % 2:
        why = say(
            f"{d.heads} heads over {d.kv_heads} key heads, head size {d.head_dim}.",
            f"헤드 {d.heads}개, 키 헤드 {d.kv_heads}개, 헤드 크기 {d.head_dim}",
        )
    else:
        if d.head_dim % HEAD_STEP == 0:
            return
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
    raise CorruptSource(
        say("The config holds sizes that cannot be.", "설정에 있을 수 없는 크기가 있습니다."), why
    )
