"""A manifest that holds, and copies of it with one place changed."""

import json
from typing import Any

from ondol.device import Needs
from ondol.manifest import (
    Defaults,
    FileEntry,
    Licence,
    Manifest,
    MatrixRecord,
    ModelFacts,
    Origin,
    Recipe,
    Variant,
)

HASH = "ab" * 32
VALID = Manifest(
    ondol_bundle=1,
    name="tiny",
    created_by="ondol 0",
    model=ModelFacts("qwen3", 2, 1, 32, 272, 128, 1000, None, (271,)),
    files=(
        FileEntry("model.onnx", 10, HASH),
        FileEntry("tokenizer.json", 5, HASH),
        FileEntry("texts/LICENSE", 7, HASH),
    ),
    variants=(Variant("cpu", "model.onnx", (), Needs(("Add",), ("int8",), 99)),),
    origins=(Origin("model.safetensors", 100, HASH),),
    provenance="출처",
    recipe=Recipe(
        weights="auto",
        context=128,
        vocabulary="full",
        source_vocabulary=8,
        budget=None,
        favor="size",
        calibration=(Origin("ko.txt", 3, "0" * 64),),
        matrices=(MatrixRecord("a", "F32", 8, 32, 64, False, "nearest"),),
    ),
    licence=Licence("Apache-2.0", "commercial", "texts/LICENSE", ""),
    defaults=Defaults("", 1.0),
)


def data() -> Any:
    return json.loads(VALID.to_json())


def text(changed: Any) -> bytes:
    return json.dumps(changed).encode()


def put(place: str, value: Any) -> bytes:
    """The valid manifest with one value replaced; `del` takes it out."""
    changed = data()
    at: Any = changed
    *way, last = (int(step) if step.isdigit() else step for step in place.split("."))
    for step in way:
        at = at[step]
    if value is del_:
        del at[last]
    else:
        at[last] = value
    return text(changed)


del_ = object()
