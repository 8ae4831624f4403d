"""Every family that Ondol converts, as data: what `ondol families` lists."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

from ondol.errors import SourceError
from ondol_converters.families import FAMILIES, family, places
from ondol_converters.families.decoder import Covered
from ondol_converters.sources.gguf_config import ARCHITECTURES

PROVIDERS = (
    "ondol_converters.families.catalog:decoders",
    "ondol_converters.encoders.families:exported",
)
"""Functions that give `FamilyFacts`, by name: decoders, then what goes through optimum."""


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """A family as users see it.

    `kind` is decoder, encoder or speech; `sources` are the formats it is read from; `through` is
    who draws its graph: ondol or optimum; `place` is the module it is described in. `fault` says
    why another package's family cannot be used.
    """

    name: str
    kind: str
    model_types: tuple[str, ...]
    architectures: tuple[str, ...]
    sources: tuple[str, ...]
    through: str
    models: tuple[Covered, ...]
    place: str
    fault: str = ""


def catalog() -> tuple[FamilyFacts, ...]:
    """Every family of every provider, in order."""
    found: list[FamilyFacts] = []
    for provider in PROVIDERS:
        module, _, name = provider.partition(":")
        give: Callable[[], Iterator[FamilyFacts]] = getattr(import_module(module), name)
        found += give()
    return tuple(found)


def decoders() -> Iterator[FamilyFacts]:
    """The families whose graph is drawn by Ondol: ours by name, then other people's."""
    for model_type, place in sorted(
        places().items(), key=lambda row: (row[0] not in FAMILIES, row)
    ):
        try:
            known = family(model_type)
        except SourceError as exc:
            fault = f"{exc.what} {exc.why}"
            yield FamilyFacts(
                model_type, "decoder", (model_type,), (), (), "ondol", (), place, fault
            )
            continue
        yield FamilyFacts(
            name=model_type,
            kind="decoder",
            model_types=(model_type,),
            architectures=known.architectures,
            sources=tuple(form for form in known.names if _readable(form, model_type)),
            through="ondol",
            models=known.models,
            place=place,
        )


def _readable(form: str, model_type: str) -> bool:
    """Whether a source of this format can give this `model_type`."""
    if form != "gguf":
        return True
    given = {row.model_type for row in ARCHITECTURES.values()}
    return model_type in given or model_type not in FAMILIES  # GGUF's own word is kept
