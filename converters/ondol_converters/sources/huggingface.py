"""A model in a Hugging Face folder: config.json, safetensors in one file or in shards."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ondol.errors import CorruptSource, SourceError
from ondol.language import say
from ondol_converters.sources import Json, Source, SourceFile, TensorInfo, TokenizerFiles
from ondol_converters.sources.huggingface_config import read_config
from ondol_converters.sources.parts import PartedFile, broken
from ondol_converters.sources.safetensors_header import Place, read_json, read_places

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIG = "config.json"
SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"

HEADS = ("lm_head.weight", "embed_out.weight")
"""What a matrix of logits is called, where there is one beside the embedding."""

MAX_NAME_BYTES = 255

PREFIXES = {
    "language_model.model.": "model.",
    "language_model.lm_head.": "lm_head.",
    "model.language_model.": "model.",
}
"""How a text model's tensors are called inside a model of more than text, and alone."""


class HuggingFaceSource(Source):
    """A folder with `config.json` and safetensors, read by position.

    Of a model of more than text (a config with `text_config`) it is the text model: its config,
    and its tensors under the names they have alone.

    Raises:
        CorruptSource: if config, index or a header does not hold, or a shard is missing.
        SourceError: if there is no config or no safetensors, or a file cannot be read.
    """

    format = "huggingface"

    def __init__(self, folder: Path) -> None:
        self.path = folder
        self._files: dict[str, PartedFile] = {}
        try:
            config = self._json(CONFIG)
            nested = isinstance(config.get("text_config"), dict)
            self._places = self._tensors(nested)
            self.tensors: Mapping[str, TensorInfo] = {
                name: place.info for name, place in self._places.items()
            }
            self.model_type, found = read_config(folder, config)
            found.setdefault("tie_word_embeddings", not any(n in self.tensors for n in HEADS))
            self.config: Mapping[str, Json] = found
        except BaseException:
            self.close()
            raise

    def _file(self, name: str) -> PartedFile:
        if name not in self._files:
            self._files[name] = PartedFile([self.path / name])
        return self._files[name]

    def _json(self, name: str) -> dict[str, Json]:
        file = self._file(name)
        return read_json(file, 0, file.size)

    def _tensors(self, nested: bool) -> dict[str, Place]:
        if (self.path / SINGLE).is_file():
            places = read_places(self._file(SINGLE))
        elif (self.path / INDEX).is_file():
            places = self._sharded()
        else:
            raise SourceError(
                say(
                    f"{self.path} holds no weights that can be read.",
                    f"{self.path}에 읽을 수 있는 가중치가 없습니다.",
                ),
                say(
                    f"Neither {SINGLE} nor {INDEX} is there.",
                    f"{SINGLE}도 {INDEX}도 없습니다.",
                ),
                say(
                    "Download the model's safetensors files into the folder.",
                    "모델의 safetensors 파일을 이 폴더에 내려받으세요.",
                ),
            )
        return {_alone(name): place for name, place in places.items()} if nested else places

    def _sharded(self) -> dict[str, Place]:
        table = self._json(INDEX).get("weight_map")
        if not isinstance(table, dict) or not table:
            raise broken(INDEX, "It has no weight_map.", "weight_map이 없습니다.")
        shards: dict[str, dict[str, Place]] = {}
        places: dict[str, Place] = {}
        for name, shard in table.items():
            if not isinstance(shard, str) or not _plain(shard):
                raise broken(
                    INDEX,
                    f"It names a shard outside the folder: {shard!r}.",
                    f"폴더 밖의 파일을 가리킵니다: {shard!r}",
                )
            if shard not in shards:
                shards[shard] = self._shard(shard)
            if name not in shards[shard]:
                raise broken(
                    INDEX,
                    f"The tensor {name!r} is not in {shard} as it says.",
                    f"텐서 {name!r}이(가) {shard}에 없습니다.",
                )
            places[name] = shards[shard][name]
        return places

    def _shard(self, name: str) -> dict[str, Place]:
        if not (self.path / name).is_file():
            raise CorruptSource(
                say(f"The shard {name} is missing.", f"조각 파일 {name}이(가) 없습니다."),
                say(f"{INDEX} names it.", f"{INDEX}에는 적혀 있습니다."),
                say("Download the folder again, whole.", "폴더 전체를 다시 내려받으세요."),
            )
        return read_places(self._file(name))

    def read(self, name: str, start: int = 0, stop: int | None = None) -> "NDArray[np.uint8]":
        """Raw bytes of rows [start, stop) of a tensor, uint8 of shape [rows, bytes per row].

        The array is read-only.

        Raises:
            CorruptSource: if there is no such tensor, or the file ends before the rows do.
        """
        place = self._places.get(name)
        if place is None:
            raise broken(
                self.path.name, f"It has no tensor {name!r}.", f"텐서 {name!r}이(가) 없습니다."
            )
        start, stop, _ = slice(start, stop).indices(place.rows)
        rows = max(stop - start, 0)
        raw = place.file.read(place.start + start * place.row_bytes, rows * place.row_bytes)
        return np.frombuffer(raw, np.uint8).reshape(rows, place.row_bytes)

    def tokenizer(self) -> TokenizerFiles:
        """The folder's tokenizer, from `tokenizer.json` or a SentencePiece model.

        Raises:
            MissingTokenizer: if the folder has none.
            CorruptSource: if it has one that contradicts itself.
        """
        from ondol_converters.tokenizers import from_folder

        return from_folder(self.path)

    def files(self) -> tuple[SourceFile, ...]:
        """Config, index and weights with sizes and hashes. Reads every byte once."""
        return self._hashed

    @cached_property
    def _hashed(self) -> tuple[SourceFile, ...]:
        return tuple(
            SourceFile(name, file.size, file.sha256()) for name, file in self._files.items()
        )

    def close(self) -> None:
        """Close the files; reading afterwards is a `SourceError`."""
        for file in self._files.values():
            file.close()


def _plain(name: str) -> bool:
    """Whether a shard's name is that of a file in the folder itself."""
    allowed = name.isprintable() and not set(name) & set("/\\:")
    return allowed and name.endswith(".safetensors") and len(name.encode()) <= MAX_NAME_BYTES


def _alone(name: str) -> str:
    for prefix, alone in PREFIXES.items():
        if name.startswith(prefix):
            return alone + name.removeprefix(prefix)
    return name
