"""The default Qwen as a Hugging Face folder in bfloat16. Called by genai_builder.py."""

import argparse
import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path

from ondol.starter import QWEN, locate
from ondol_converters.families import family, recognise
from ondol_converters.families.tensors import wanted
from ondol_converters.quantise.blocks import dense
from ondol_converters.quantise.halves import halved
from ondol_converters.sources import Source
from ondol_converters.sources.gguf import GgufSource

ARCHITECTURE, CLASS = "Qwen2ForCausalLM", "Qwen2TokenizerFast"
ROWS = 4096


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder to write")
    folder: Path = parser.parse_args().folder
    folder.mkdir()
    with GgufSource([locate(part) for part in QWEN.parts], QWEN.file) as source:
        decoder, names = recognise(source)
        theirs = family(source.model_type).names["huggingface"]
        renamed = dict(
            zip(
                (name for name, _ in wanted(decoder, names)),
                (name for name, _ in wanted(decoder, theirs)),
                strict=True,
            )
        )
        write(folder / "model.safetensors", source, renamed)
        tokenizer = source.tokenizer()
        config = {**source.config, "architectures": [ARCHITECTURE], "torch_dtype": "bfloat16"}
        config |= {"model_type": source.model_type, "tie_word_embeddings": decoder.tied}
        config |= {"eos_token_id": tokenizer.eos[0], "bos_token_id": tokenizer.bos}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "tokenizer.json").write_text(tokenizer.json, encoding="utf-8")
        said = {"tokenizer_class": CLASS, "chat_template": tokenizer.chat_template}
        (folder / "tokenizer_config.json").write_text(json.dumps(said))


def write(path: Path, source: Source, renamed: dict[str, str]) -> None:
    """Write a source's tensors under other names, a few rows at a time."""
    header: dict[str, object] = {}
    offset = 0
    for old, new in renamed.items():
        shape = source.tensors[old].shape
        end = offset + 2 * math.prod(shape)
        header[new] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for old in renamed:
            for part in halves(source, old):
                file.write(part)


def halves(source: Source, name: str) -> Iterator[bytes]:
    """A tensor as bfloat16."""
    info = source.tensors[name]
    rows, columns = info.shape if len(info.shape) == 2 else (1, info.shape[0])
    for start in range(0, rows, ROWS):
        stop = min(start + ROWS, rows)
        raw = source.read(name, start, stop) if len(info.shape) == 2 else source.read(name)
        yield halved(dense(raw, info.kind, columns), "bfloat16", name).tobytes()


if __name__ == "__main__":
    main()
