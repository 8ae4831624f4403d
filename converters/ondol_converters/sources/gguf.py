"""A model in a GGUF file, whole or in parts."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ondol.errors import MissingTokenizer
from ondol.language import say
from ondol_converters.sources import Source, SourceFile, TokenizerFiles
from ondol_converters.sources.gguf_config import read_config
from ondol_converters.sources.gguf_header import read_header
from ondol_converters.sources.parts import PartedFile, broken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol_converters.tokenizers import Vocabulary

Kind = TypeVar("Kind")


class GgufSource(Source):
    """A GGUF file, version 2 or 3, little-endian, read by position.

    Args:
        path: the file, or its parts in their order; parts are never joined on disk.
        name: what the whole file is called, for provenance; else the first part's name.

    Attributes:
        metadata: every key of the header. Arrays of numbers are numpy arrays, of texts lists.

    Raises:
        CorruptSource: if the header does not hold.
        SourceError: if a file cannot be read.
    """

    format = "gguf"

    def __init__(self, path: Path | Sequence[Path], name: str = "") -> None:
        paths = [path] if isinstance(path, Path) else list(path)
        self._file = PartedFile(paths)
        self.path = paths[0]
        self.name = name or self._file.name
        try:
            header = read_header(self._file)
            self.metadata = header.metadata
            self.tensors = header.tensors
            self._spans = header.spans
            self.model_type, self.config = read_config(self.path, self.metadata, self.tensors)
        except BaseException:
            self.close()
            raise

    def read(self, name: str, start: int = 0, stop: int | None = None) -> "NDArray[np.uint8]":
        """Raw bytes of rows [start, stop) of a tensor, uint8 of shape [rows, bytes per row].

        The array is read-only.

        Raises:
            CorruptSource: if there is no such tensor, or the file ends before the rows do.
        """
        span = self._spans.get(name)
        if span is None:
            raise broken(self.name, f"It has no tensor {name!r}.", f"텐서 {name!r}이(가) 없습니다.")
        start, stop, _ = slice(start, stop).indices(span.rows)
        rows = max(stop - start, 0)
        raw = self._file.read(span.start + start * span.row_bytes, rows * span.row_bytes)
        return np.frombuffer(raw, np.uint8).reshape(rows, span.row_bytes)

    def tokenizer(self) -> TokenizerFiles:
        """The model's tokenizer, built from the header's vocabulary.

        Raises:
            MissingTokenizer: if the header holds none.
            CorruptSource: if it holds one that contradicts itself.
        """
        from ondol_converters.tokenizers import from_vocabulary

        return from_vocabulary(self.vocabulary())

    def vocabulary(self) -> "Vocabulary":
        """The header's vocabulary as it stands, tokens by id.

        Raises:
            MissingTokenizer: if the header holds none.
            CorruptSource: if a key is not of its kind.
        """
        from ondol_converters.tokenizers import Vocabulary

        model = self._key("tokenizer.ggml.model", str)
        tokens = self._key("tokenizer.ggml.tokens", list)
        if not model or not tokens:
            raise MissingTokenizer(
                say(f"{self.name} has no tokenizer.", f"{self.name}에 토크나이저가 없습니다."),
                say(
                    "Its header lacks tokenizer.ggml.model or tokenizer.ggml.tokens.",
                    "헤더에 tokenizer.ggml.model이나 tokenizer.ggml.tokens가 없습니다.",
                ),
                say(
                    "Use a GGUF file made from the whole model folder.",
                    "모델 폴더 전체로 만든 GGUF 파일을 쓰세요.",
                ),
            )
        ends = (self._key(f"tokenizer.ggml.{end}_token_id", int) for end in ("eot", "eom"))
        return Vocabulary(
            model=model,
            tokens=tokens,
            pre=self._key("tokenizer.ggml.pre", str) or "",
            scores=self._numbers("scores", "f"),
            types=self._numbers("token_type", "iu"),
            merges=self._key("tokenizer.ggml.merges", list) or (),
            bos=self._key("tokenizer.ggml.bos_token_id", int),
            eos=self._key("tokenizer.ggml.eos_token_id", int),
            unk=self._key("tokenizer.ggml.unknown_token_id", int),
            ends=tuple(end for end in ends if end is not None),
            add_bos=self._key("tokenizer.ggml.add_bos_token", bool),
            add_space_prefix=self._key("tokenizer.ggml.add_space_prefix", bool),
            chat_template=self._key("tokenizer.chat_template", str),
        )

    def _key(self, key: str, kind: type[Kind]) -> Kind | None:
        value = self.metadata.get(key)
        # A list is of texts or of lists, and none of these keys holds lists.
        nested = isinstance(value, list) and bool(value) and not isinstance(value[0], str)
        # True is an int to isinstance.
        if value is None or (isinstance(value, kind) and type(value) is kind and not nested):
            return value
        raise broken(
            self.name,
            f"{key} is {type(value).__name__}, not {kind.__name__}.",
            f"{key}의 종류가 {kind.__name__}이(가) 아니라 {type(value).__name__}입니다.",
        )

    def _numbers(self, name: str, kinds: str) -> Sequence[Any]:
        """A list of numbers beside the tokens, of one of numpy's kinds; empty where none is."""
        key = f"tokenizer.ggml.{name}"
        values = self._key(key, np.ndarray)
        if values is None:
            return ()
        if values.dtype.kind not in kinds:
            raise broken(
                self.name,
                f"{key} holds numbers of type {values.dtype}.",
                f"{key}에 있는 수의 종류가 {values.dtype}입니다.",
            )
        numbers: list[Any] = values.tolist()
        return numbers

    def files(self) -> tuple[SourceFile, ...]:
        """The file with its size and hash, as if its parts were joined. Reads every byte once."""
        return (self._hashed,)

    @cached_property
    def _hashed(self) -> SourceFile:
        return SourceFile(self.name, self._file.size, self._file.sha256())

    def close(self) -> None:
        """Close the file; reading afterwards is a `SourceError`."""
        self._file.close()
