"""Model families by the `model_type` of their config. Adding one: a file here and a row below."""

from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from ondol.errors import CorruptSource, SourceError
from ondol.language import say
from ondol_converters.families.decoder import Decoder, Family
from ondol_converters.families.limits import check_config, unsupported

if TYPE_CHECKING:
    from ondol_converters.sources import Source

FAMILIES = {
    "exaone": "ondol_converters.families.exaone",
    "exaone4": "ondol_converters.families.exaone4",
    "gemma3_text": "ondol_converters.families.gemma3_text",
    "gpt2": "ondol_converters.families.gpt2",
    "gpt_neox": "ondol_converters.families.gpt_neox",
    "gptj": "ondol_converters.families.gptj",
    "hyperclovax": "ondol_converters.families.hyperclovax",
    "llama": "ondol_converters.families.llama",
    "qwen2": "ondol_converters.families.qwen2",
    "qwen3": "ondol_converters.families.qwen3",
}
"""Our families. Other people's join through the entry point group `ondol.families`."""

GROUP = "ondol.families"


def places() -> dict[str, str]:
    """Where each known family is, by its `model_type`: "module" of ours, "module:NAME" of others.

    A name of ours cannot be taken over.
    """
    others = {entry.name: entry.value for entry in sorted(entry_points(group=GROUP))}
    return {**others, **FAMILIES}


def family(model_type: str) -> Family:
    """The family of a `model_type`.

    Raises:
        UnknownArchitecture: if no family has it.
        SourceError: if another package's family cannot be loaded.
    """
    place = places().get(model_type)
    if place is None:
        from ondol_converters.families.unknown import unknown

        raise unknown(model_type)
    if model_type in FAMILIES:
        ours: Family = import_module(place).FAMILY
        return ours
    return _others(model_type, place)


def _others(model_type: str, place: str) -> Family:
    module, _, attribute = place.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as exc:  # other people's packages may fail in any way when imported
        raise _unusable(model_type, place, f"{type(exc).__name__}: {exc}") from exc
    if not isinstance(found, Family) or found.model_type != model_type:
        raise _unusable(model_type, place, repr(found)[:200])
    return found


def _unusable(model_type: str, place: str, why: str) -> SourceError:
    return SourceError(
        say(
            f"The family {model_type!r} at {place} cannot be used.",
            f"{place}에 있는 구조 {model_type!r}을(를) 쓸 수 없습니다.",
        ),
        why,
        say(
            f"Mend or uninstall the package that brings it (entry point group {GROUP}).",
            f"그것을 제공하는 패키지를 고치거나 지우세요(엔트리 포인트 {GROUP}).",
        ),
    )


def recognise(source: "Source") -> tuple[Decoder, Mapping[str, str]]:
    """The decoder that a source holds, and what its format calls the tensors.

    Raises:
        UnknownArchitecture: if no family has its `model_type`, or none reads it from this
            format; the message says what is nearest and what differs.
        CorruptSource, UnsupportedTensor: from `describe`.
    """
    model_type = source.model_type
    if model_type not in places() or source.format not in family(model_type).names:
        from ondol_converters.families.unknown import unknown_source

        raise unknown_source(source)
    decoder = describe(model_type, source.config, source.format)
    names = family(model_type).names[source.format]
    # A model saved without its head has no prefix: "h.0.." where "transformer.h.0.." is meant
    prefix = names["embedding"].partition(".")[0] + "."
    bare = {ours: name.removeprefix(prefix) for ours, name in names.items()}
    headless = names["embedding"] not in source.tensors and bare["embedding"] in source.tensors
    return decoder, bare if headless else names


def describe(model_type: str, config: Mapping[str, Any], source_format: str) -> Decoder:
    """The decoder that a config describes.

    Raises:
        UnknownArchitecture: if no family has this `model_type`.
        CorruptSource: if the config leaves out a number or contradicts itself.
        UnsupportedTensor: if it asks for something the graph cannot draw.
    """
    known = family(model_type)
    common = known.common(config)
    try:
        decoder = known.read({**common, "model_type": model_type}, source_format)
    except KeyError as exc:
        key = exc.args[0]
        missing = " / ".join([key, *(own for own, ours in known.aliases.items() if ours == key)])
        raise CorruptSource(
            say(
                f"The config of this {model_type} has no {missing}.",
                f"{model_type} 설정에 {missing} 항목이 없습니다.",
            ),
            say(
                "Without it the graph cannot be drawn.", "이 값이 없으면 그래프를 그릴 수 없습니다."
            ),
            say("Fetch the model again, whole.", "모델을 온전히 다시 받으세요."),
        ) from exc
    except (TypeError, ValueError, ArithmeticError) as exc:
        raise unsupported(model_type, str(exc)[:200]) from exc
    check_config(common, decoder, known.heeds)
    return decoder
