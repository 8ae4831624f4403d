"""What every bundle of an encoder or recogniser ends with: its texts, hashes and manifest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ondol import __version__
from ondol.bundle import Bundle, entry_of
from ondol.files import write_whole
from ondol.manifest import (
    MANIFEST,
    VERSION,
    Defaults,
    Licence,
    Manifest,
    Origin,
    Recipe,
    Variant,
)
from ondol.model_facts import Facts
from ondol_converters.assembly import TOKENIZER, Terms


@dataclass(frozen=True, slots=True)
class Content:
    """What a bundle is made of besides its texts; `files` are those already in the folder."""

    name: str
    facts: Facts
    variant: Variant
    files: Sequence[str]
    origins: Sequence[Origin]
    recipe: Recipe
    terms: Terms
    provenance: str


def write_bundle(folder: Path, tokenizer: str, content: Content) -> Bundle:
    """Write tokenizer, licence and manifest beside the graphs; the bundle, opened.

    Raises:
        CorruptBundle: if what was written contradicts itself.
        StorageError: if the disk refuses.
    """
    terms = content.terms
    texts: Mapping[str, bytes] = {TOKENIZER: tokenizer.encode()}
    if terms.text:
        texts = {**texts, terms.file: terms.text}
    for name, text in texts.items():
        write_whole(folder / name, text)
    licence = Licence(terms.name, terms.kind, terms.file if terms.text else "", terms.note)
    manifest = Manifest(
        ondol_bundle=VERSION,
        name=content.name,
        created_by=f"ondol {__version__}",
        model=content.facts,
        files=tuple(entry_of(folder, name) for name in (*content.files, *texts)),
        variants=(content.variant,),
        origins=tuple(content.origins),
        provenance=terms.provenance or content.provenance,
        recipe=content.recipe,
        licence=licence,
        defaults=Defaults(),
    )
    write_whole(folder / MANIFEST, manifest.to_json().encode())
    return Bundle.open(folder)
