"""SentencePiece's model files: a protocol buffer of which a dozen fields matter here.

Field numbers are those of SentencePiece's `sentencepiece_model.proto`.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ondol.errors import CorruptSource, SourceError
from ondol.language import say

UNIGRAM, BPE = 1, 2
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Model:
    """What a SentencePiece file says.

    Attributes:
        kind: 1 Unigram, 2 BPE.
        pieces, scores, types: one of each by id; types as in `Vocabulary`.
        unk, bos, eos: ids, None where the file has none.
        byte_fallback: whether characters without a piece are spelt in bytes.
        splits_words: whether no piece crosses a space.
        charsmap: the compiled table of the normaliser; empty for none.
        prefix: whether a space is put before the text.
        squeezes: whether runs of spaces become one, and those at both ends none.
    """

    kind: int
    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    types: tuple[int, ...]
    unk: int | None
    bos: int | None
    eos: int | None
    byte_fallback: bool
    splits_words: bool
    charsmap: bytes
    prefix: bool
    squeezes: bool


def read_model(path: Path) -> Model:
    """Read a SentencePiece file of the Unigram or the BPE kind.

    Raises:
        CorruptSource: if the file is no such protocol buffer.
        SourceError: if it is of another kind, or marks spaces in a way no other tokenizer does.
    """
    try:
        return _read(path.read_bytes())
    except (IndexError, ValueError, struct.error) as exc:
        raise CorruptSource(
            say(
                f"{path.name} is not a whole SentencePiece model.",
                f"{path.name}은(는) 온전한 SentencePiece 모델이 아닙니다.",
            ),
            f"{type(exc).__name__}: {exc}",
            say("Download the file again.", "파일을 다시 내려받으세요."),
        ) from exc


def _read(data: bytes) -> Model:
    pieces: list[str] = []
    scores: list[float] = []
    types: list[int] = []
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    for field, value in _fields(data):
        if field == _PIECES:
            piece = dict(_fields(_bytes(value)))
            pieces.append(_bytes(piece.get(1, b"")).decode("utf-8"))
            scores.append(struct.unpack("<f", _bytes(piece.get(2, b"\0\0\0\0")))[0])
            types.append(_int(piece.get(3, 1)))
        elif field == _TRAINER:
            trainer = dict(_fields(_bytes(value)))
        elif field == _NORMALIZER:
            normalizer = dict(_fields(_bytes(value)))
    kind = _int(trainer.get(3, 1))
    if kind not in (UNIGRAM, BPE) or trainer.get(24, 0) or not normalizer.get(5, 1):
        raise SourceError(
            say(
                "This SentencePiece model is of a kind that cannot be converted.",
                "변환할 수 없는 종류의 SentencePiece 모델입니다.",
            ),
            say(
                "BPE and Unigram can, with spaces marked in front of words.",
                "낱말 앞에 빈칸을 표시하는 BPE와 Unigram만 변환할 수 있습니다.",
            ),
            say(
                "Put the model's tokenizer.json into the folder.",
                "모델의 tokenizer.json을 폴더에 넣으세요.",
            ),
        )
    return Model(
        kind=kind,
        pieces=tuple(pieces),
        scores=tuple(scores),
        types=tuple(types),
        unk=_id(trainer.get(40, 0)),
        bos=_id(trainer.get(41, 1)),
        eos=_id(trainer.get(42, 2)),
        byte_fallback=bool(trainer.get(35, 0)),
        splits_words=bool(trainer.get(22, 1)),
        charsmap=_bytes(normalizer.get(2, b"")),
        prefix=bool(normalizer.get(3, 1)),
        squeezes=bool(normalizer.get(4, 1)),
    )


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers and values: numbers for varints, bytes for all else."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        wire = key & 7
        if wire == 0:
            number, at = _varint(data, at)
            yield key >> 3, number
            continue
        if wire == 2:
            size, at = _varint(data, at)
        else:
            size = {1: 8, 5: 4}.get(wire, -1)
        if size < 0 or at + size > len(data):
            raise ValueError(f"field {key >> 3} of kind {wire} at byte {at} has no {size} bytes")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError(f"a number before byte {at} does not end")


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number stands where bytes belong")
    return value


def _int(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise ValueError("bytes stand where a number belongs")
    return value


def _id(value: int | bytes) -> int | None:
    """An id; SentencePiece says -1, as an unsigned number of 64 bits, for "none"."""
    number = _int(value)
    return None if number >= 1 << 31 else number
