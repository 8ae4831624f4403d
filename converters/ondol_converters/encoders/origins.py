"""The files of a folder that a conversion by transformers reads, hashed, and what it says of it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from ondol_converters.encoders.reference import versions
from ondol_converters.hub.record import provenance
from ondol_converters.sources import SourceFile

PATTERNS = ("config.json", "*.safetensors", "pytorch_model*.bin")


def origins_of(folder: Path) -> tuple[SourceFile, ...]:
    """Config and weights with sizes and hashes. Reads every byte once."""
    paths = sorted(path for pattern in PATTERNS for path in folder.glob(pattern))
    found = []
    for path in paths:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found.append(SourceFile(path.name, path.stat().st_size, digest))
    return tuple(found)


def provenance_of(folder: Path, files: Sequence[SourceFile], worst: float | None) -> str:
    """Where a folder is from, who exported it, and how close the export came in float32."""
    said = [provenance(folder, {file.name: file.sha256 for file in files})]
    said.append(f"Exported with {versions()}.")
    if worst is not None:
        said.append(f"In float32 within {worst:.1e} of transformers.")
    return " ".join(line for line in said if line)
