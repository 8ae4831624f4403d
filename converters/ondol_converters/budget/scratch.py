"""Graphs as a bundle that is opened once and never kept: what devices open are bundles."""

from collections.abc import Mapping
from pathlib import Path

import onnx

from ondol import __version__
from ondol.bundle import Bundle, entry_of
from ondol.device import Needs
from ondol.files import write_whole
from ondol.manifest import (
    MANIFEST,
    VERSION,
    Defaults,
    Licence,
    Manifest,
    Recipe,
    Variant,
)
from ondol.model_facts import ModelFacts

FACTS = ModelFacts("scratch", 1, 1, 1, 1, 1, 0, None, ())
"""Of no model: such a bundle's graphs are run by themselves."""


def scratch_bundle(folder: Path, graphs: Mapping[str, onnx.ModelProto], *others: str) -> Bundle:
    """Write graphs into a folder, beside files that are there, as a bundle."""
    write_whole(folder / "tokenizer.json", b"{}")
    for name, model in graphs.items():
        write_whole(folder / name, model.SerializeToString())
    names = (*graphs, *others, "tokenizer.json")
    manifest = Manifest(
        ondol_bundle=VERSION,
        name="scratch",
        created_by=f"ondol {__version__}",
        model=FACTS,
        files=tuple(entry_of(folder, name) for name in names),
        variants=(Variant("cpu", names[0], (), Needs((), (), 0)),),
        origins=(),
        provenance="",
        recipe=Recipe("float32", 1, "full", 1, None, "size", (), ()),
        licence=Licence("unknown", "unknown", "", ""),
        defaults=Defaults(),
    )
    write_whole(folder / MANIFEST, manifest.to_json().encode())
    return Bundle.open(folder)
