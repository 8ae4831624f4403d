"""`ondol families`: which models can be converted, from what, and under which licence."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from ondol.cli.facts import licence_class
from ondol.cli.options import Json
from ondol.cli.output import Dataclass, note, show_json, show_table
from ondol.language import say
from ondol.preparing import CONVERTERS, converters


class Model(Protocol):
    """A model of a family: see ondol_converters.families.decoder.Covered."""

    name: str
    licence: str
    licence_kind: str


class Family(Dataclass, Protocol):
    """A family as the converters describe it: ondol_converters.families.catalog.FamilyFacts."""

    name: str
    kind: str
    model_types: tuple[str, ...]
    sources: tuple[str, ...]
    through: str
    models: Sequence[Model]
    fault: str


@dataclass(frozen=True, slots=True)
class Families:
    """Every family that can be converted."""

    families: tuple[Family, ...]


def families(json: Json = False) -> None:
    """List families of models."""
    with converters():
        found = Families(import_module(f"{CONVERTERS}.families.catalog").catalog())
    if json:
        show_json(found)
        return
    show_table(
        (
            say("family", "구조"),
            say("kind", "종류"),
            "model_type",
            say("from", "원본"),
            say("models", "모델"),
        ),
        [
            (
                each.name,
                _kind(each.kind),
                ", ".join(each.model_types),
                ", ".join((*each.sources, *([each.through] if each.through != "ondol" else []))),
                each.fault or "; ".join(map(_model, each.models)),
            )
            for each in found.families
        ],
    )
    note(
        say(
            "Licences are hints; the text that comes with a model is what counts.",
            "라이선스는 참고용입니다. 모델에 딸린 원문이 기준입니다.",
        )
    )


def _model(model: Model) -> str:
    return f"{model.name} ({model.licence}, {licence_class(model.licence_kind)})"


def _kind(kind: str) -> str:
    return {
        "decoder": say("decoder", "디코더"),
        "encoder": say("encoder", "인코더"),
        "speech": say("speech", "음성"),
    }.get(kind, kind)
