"""Encoders of text and recognisers of speech into bundles."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ondol_converters.assembly import Progress, Terms
    from ondol_converters.conversion import Conversion
    from ondol_converters.recipe import Options

EXPORTERS = {
    "encoder": "ondol_converters.encoders.exported:convert_exported",
    "speech": "ondol_converters.encoders.whisper:convert_whisper",
}
"""What converts a kind of family that optimum exports, by name: none is imported unasked."""


class Exporter(Protocol):
    """Converts a folder into a bundle."""

    def __call__(
        self,
        folder: Path,
        target: Path,
        *,
        name: str,
        options: "Options",
        terms: "Terms",
        progress: "Progress",
    ) -> "Conversion":
        """See ondol_converters.encoders.exported."""
        ...


def exporter(source: Path) -> Exporter | None:
    """What converts a folder through optimum; None where its model is of no such family."""
    from ondol_converters.encoders.describing import model_type_of
    from ondol_converters.encoders.families import EXPORTED

    family = EXPORTED.get(model_type_of(source))
    if family is None:
        return None
    module, _, name = EXPORTERS[family.kind].partition(":")
    found: Exporter = getattr(import_module(module), name)
    return found
