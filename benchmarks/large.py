"""A 7B-shaped model through the converter: does memory follow the largest tensor or the model?

Builds a Hugging Face folder with the shapes of Llama 2 7B in bfloat16, 13.5 GB of zeros in a sparse
file that takes no room, converts it in a process of its own as a user would, and accounts for that
process as the system does. The bundle takes about 8 GB, and is deleted.

    python benchmarks/large.py --scratch DIR
"""

import argparse
import json
import math
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accounting import accounted

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TARGET_BYTES = 3 << 30
ROOM_BYTES = 12 << 30
HIDDEN, INTERMEDIATE, LAYERS, HEADS, VOCABULARY = 4096, 11008, 32, 32, 32000
BFLOAT16_BYTES = 2
BYTES = 256


@dataclass(frozen=True, slots=True)
class Figures:
    """What a conversion took: seconds, and bytes of the source, the bundle and the peak."""

    weights: str
    seconds: float
    source_bytes: int
    bundle_bytes: int
    peak_rss: int
    parameters: int


def main() -> None:
    """Build, convert, print, delete."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scratch", type=Path, help="a folder on a disk with 12 GB of room")
    parser.add_argument("--weights", default="auto", help="as of ondol convert")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch, prefix="ondol-large-") as scratch:
        room = shutil.disk_usage(scratch).free
        if room < ROOM_BYTES:
            raise SystemExit(f"{room >> 30} GB free in {scratch}; {ROOM_BYTES >> 30} are needed")
        folder, target = Path(scratch) / "model", Path(scratch) / "bundle"
        source = build(folder)
        command = [sys.executable, "-m", "ondol.cli", "convert", str(folder), "--out", str(target)]
        ran = accounted([*command, "--weights", options.weights, "--json"])
        made = json.loads(ran.output)
        figures = Figures(
            options.weights,
            ran.seconds,
            source,
            made["bundle"]["size_bytes"],
            ran.peak_rss,
            made["bundle"]["parameters"],
        )
    print(json.dumps(asdict(figures), indent=1))
    if ran.peak_rss > TARGET_BYTES:
        raise SystemExit(f"{ran.peak_rss / 1e9:.2f} GB is over the target")


def tensors() -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every tensor of the model by its name in the file, and its shape."""
    yield "model.embed_tokens.weight", (VOCABULARY, HIDDEN)
    for i in range(LAYERS):
        at = f"model.layers.{i}"
        for part in "qkvo":
            yield f"{at}.self_attn.{part}_proj.weight", (HIDDEN, HIDDEN)
        for part in ("gate", "up"):
            yield f"{at}.mlp.{part}_proj.weight", (INTERMEDIATE, HIDDEN)
        yield f"{at}.mlp.down_proj.weight", (HIDDEN, INTERMEDIATE)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            yield f"{at}.{norm}.weight", (HIDDEN,)
    yield "model.norm.weight", (HIDDEN,)
    yield "lm_head.weight", (VOCABULARY, HIDDEN)


def build(folder: Path) -> int:
    """Write the model's folder; the bytes of its weights file."""
    folder.mkdir()
    config = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "num_key_value_heads": HEADS,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "hidden_act": "silu",
        "tie_word_embeddings": False,
        "eos_token_id": VOCABULARY - 1,
        "bos_token_id": VOCABULARY - 2,
    }
    (folder / "config.json").write_text(json.dumps(config))
    header: dict[str, object] = {}
    offset = 0
    for name, shape in tensors():
        end = offset + math.prod(shape) * BFLOAT16_BYTES
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(file.tell() + offset)
        size = file.tell() + offset
    tokenizer().save(str(folder / "tokenizer.json"))
    return size


def tokenizer() -> "Tokenizer":
    """Byte-level BPE without merges, filled up with tokens that nothing uses."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {char: i for i, char in enumerate(alphabet)}
    vocabulary |= {f"<unused{i}>": i for i in range(BYTES, VOCABULARY)}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    return made


if __name__ == "__main__":
    main()
