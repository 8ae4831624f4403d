"""What a model to convert looks like, whichever file format it comes in.

A source names its tensors without reading them, and reads any run of rows of one. So a
converter's memory follows the rows it asks for, never the model.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ondol.errors import MissingExtra
from ondol.language import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Json = None | bool | int | float | str | list[Any] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """A tensor by name: its shape in numpy order (rows first) and how its values are stored.

    `kind` is the GGML name of the storage: F32, F16, BF16, Q4_0, Q8_0, Q4_K, ...
    """

    name: str
    shape: tuple[int, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file a bundle was made from, for its provenance: name, bytes, SHA-256 in hex."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """A tokenizer as a bundle holds it.

    `json` is a `tokenizer.json` that the `tokenizers` library loads. `bos` is put before a
    prompt when not None; a reply ends at any id of `eos`.
    """

    json: str
    chat_template: str | None
    bos: int | None
    eos: tuple[int, ...]


class Source(ABC):
    """A model to convert: facts, tensors, tokenizer.

    Attributes:
        path: the file or folder the user named.
        format: "gguf" or "huggingface".
        model_type: the architecture in Hugging Face's words ("gemma3_text", "qwen2", ...) where
            the format's own word is known, else the format's own word.
        config: the architecture's numbers under the key names of Hugging Face's `config.json`.
        tensors: every tensor by the name it has in the file.
    """

    path: Path
    format: str
    model_type: str
    config: Mapping[str, Json]
    tensors: Mapping[str, TensorInfo]

    @abstractmethod
    def read(self, name: str, start: int = 0, stop: int | None = None) -> "NDArray[np.uint8]":
        """Raw bytes of rows [start, stop) of a tensor, uint8 of shape [rows, bytes per row].

        A tensor of one dimension is one row. Rows are those of the first dimension.

        Raises:
            CorruptSource: if the file ends before the rows do.
        """

    @abstractmethod
    def tokenizer(self) -> TokenizerFiles:
        """The model's tokenizer.

        Raises:
            MissingTokenizer: if the source has none.
            CorruptSource: if it has one that contradicts itself.
        """

    @abstractmethod
    def files(self) -> tuple[SourceFile, ...]:
        """The source's files with sizes and hashes, for provenance. Reads every byte once."""

    def close(self) -> None:
        """Close the files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_source(path: Path) -> Source:
    """Open a model by what it is: a GGUF file, or a Hugging Face folder with `config.json`.

    Raises:
        CorruptSource: if it is neither, naming what its first bytes are, or does not hold.
        SourceError: if there is nothing at `path`, or it cannot be read.
        MissingExtra: if the packages that read it are not installed.
    """
    try:
        if path.is_dir():
            from ondol_converters.sources.huggingface import HuggingFaceSource

            return HuggingFaceSource(path)
        from ondol_converters.sources.gguf import GgufSource

        return GgufSource(path)
    except ModuleNotFoundError as exc:
        if exc.name not in ("gguf", "numpy", "tokenizers"):
            raise
        raise MissingExtra(
            say(f"The package {exc.name} is not installed.", f"{exc.name} 패키지가 없습니다."),
            say("It is needed to read a model to convert.", "변환할 모델을 읽는 데 필요합니다."),
            'pip install "ondol[converters]"',
        ) from exc
