"""Hugging Face's `config.json` in the one form that the families read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ondol_converters.sources import Json
from ondol_converters.sources.parts import broken

INHERITED = ("tie_word_embeddings", "dtype", "torch_dtype", "quantization_config")
"""What a model of more than text says outside its `text_config`."""


def read_config(folder: Path, config: Mapping[str, Any]) -> tuple[str, dict[str, Json]]:
    """The `model_type` and config of the text model.

    `rope_parameters`, as transformers 5 writes them, become `rope_theta`, `rope_scaling`,
    `rope_local_base_freq` and `partial_rotary_factor`, as all before it did. A scaling of the
    local rope alone becomes `rope_local_scaling`, which is ours.

    Raises:
        CorruptSource: if it names no `model_type`.
    """
    found = dict(config)
    text = config.get("text_config")
    if isinstance(text, dict):
        found = {name: config[name] for name in INHERITED if name in config}
        found.update(text)
        found.setdefault("model_type", f"{config.get('model_type')}_text")
    model_type = found.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        raise broken(
            f"{folder.name}/config.json", "It names no model_type.", "model_type이 없습니다."
        )
    ropes = found.pop("rope_parameters", None)
    if isinstance(ropes, dict):
        local = ropes.get("sliding_attention")
        full = ropes.get("full_attention", ropes)
        if isinstance(local, dict) and "rope_theta" in local:
            found.setdefault("rope_local_base_freq", local["rope_theta"])
        if isinstance(local, dict) and local.get("rope_type", "default") != "default":
            found.setdefault("rope_local_scaling", local)
        if isinstance(full, dict):
            scaling = {name: value for name, value in full.items() if name != "rope_theta"}
            for key in ("rope_theta", "partial_rotary_factor"):
                if key in full:
                    found.setdefault(key, full[key])
            if scaling.get("rope_type", "default") != "default":
                found.setdefault("rope_scaling", scaling)
    return model_type, found
