"""Model families by the `model_type` of their config. Adding one: a file here and a row below."""

import difflib
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ondol.errors import CorruptSource, UnknownArchitecture
from ondol.language import say
from ondol_converters.families.decoder import Decoder, Family
from ondol_converters.families.limits import check_config, unsupported

FAMILIES = {
    "gemma3_text": "ondol_converters.families.gemma3_text",
    "llama": "ondol_converters.families.llama",
    "qwen2": "ondol_converters.families.qwen2",
    "qwen3": "ondol_converters.families.qwen3",
}


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
    except (TypeError, ValueError, ArithmeticError) as exc:
        raise unsupported(model_type, str(exc)[:200]) from exc
    check_config(config, decoder)
    return decoder
