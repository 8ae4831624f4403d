"""Onmaru, a made-up architecture: the tiny Qwen 3 under other names, so its logits are known."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from safetensors.numpy import save_file

from ondol_converters.quantise.blocks import dense
from ondol_converters.sources import open_source
from tiny_models import MODELS

KEYS = {
    "hidden_size": "dim",
    "intermediate_size": "ffn_dim",
    "num_hidden_layers": "n_layers",
    "num_attention_heads": "n_heads",
    "num_key_value_heads": "n_kv_heads",
    "max_position_embeddings": "max_seq_len",
    "rms_norm_eps": "norm_eps",
}
PARTS = {
    r"model\.embed_tokens\.": "tok.",
    r"model\.norm\.": "out_norm.",
    r"model\.layers\.": "blocks.",
    r"self_attn\.([qkvo])_proj": r"attn.w\1",
    r"self_attn\.([qk])_norm": r"attn.\1n",
    "input_layernorm": "norm1",
    "post_attention_layernorm": "norm2",
    r"mlp\.(\w+)_proj": r"ffn.\1",
}


def write_onmaru(folder: Path, **changes: Any) -> Path:
    """Write the model's folder, its config changed where asked; a value of None drops a key."""
    folder.mkdir()
    source = MODELS / "qwen3"
    config = json.loads((source / "config.json").read_text())
    config = {KEYS.get(key, key): value for key, value in config.items()}
    config |= {"model_type": "onmaru", "architectures": ["OnmaruForCausalLM"], **changes}
    kept = {key: value for key, value in config.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(kept))
    with open_source(source) as opened:
        tensors = {
            _renamed(name): dense(opened.read(name), info.kind, info.shape[-1]).reshape(info.shape)
            for name, info in opened.tensors.items()
        }
    save_file(tensors, folder / "model.safetensors")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(source / name, folder / name)
    return folder


def _renamed(name: str) -> str:
    for pattern, other in PARTS.items():
        name = re.sub(pattern, other, name)
    return name
