"""SentencePiece's `tokenizer.model`: a protocol buffer of which a dozen fields matter here.

Field numbers are those of SentencePiece's `sentencepiece_model.proto`.
"""

import base64
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ondol.errors import CorruptSource, SourceError
from ondol.language import say
from ondol_converters.sources import Json, TokenizerFiles
from ondol_converters.tokenizers.vocabulary import Vocabulary, from_vocabulary

_BPE = 2
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3


@dataclass(frozen=True, slots=True)
class SpecialIds:
    """What a folder's JSON files know and the `tokenizer.model` does not."""

    add_bos: bool | None = None
    ends: tuple[int, ...] = ()
    chat_template: str | None = None


def from_sentencepiece(path: Path, extra: SpecialIds | None = None) -> TokenizerFiles:
    """The tokenizer of a SentencePiece `tokenizer.model` of the BPE kind.

    Raises:
        CorruptSource: if the file is no such protocol buffer, or contradicts itself.
        SourceError: if it is of another kind than BPE.
    """
    extra = extra or SpecialIds()
    try:
        vocabulary = _read(path.read_bytes(), extra)
    except (IndexError, ValueError, struct.error) as exc:
        raise CorruptSource(
            say(
                f"{path.name} is not a whole SentencePiece model.",
                f"{path.name}은(는) 온전한 SentencePiece 모델이 아닙니다.",
            ),
            f"{type(exc).__name__}: {exc}",
            say("Download the file again.", "파일을 다시 내려받으세요."),
        ) from exc
    return from_vocabulary(vocabulary)


def _read(data: bytes, extra: SpecialIds) -> Vocabulary:
    tokens: list[str] = []
    scores: list[float] = []
    types: list[int] = []
    trainer: dict[int, int | bytes] = {}
    normalizer: dict[int, int | bytes] = {}
    for field, value in _fields(data):
        if field == _PIECES:
            piece = dict(_fields(_bytes(value)))
            kind = _int(piece.get(3, 1))
            text = _bytes(piece.get(1, b"")).decode("utf-8")
            # Pieces the user added are found in the text itself, where a space is a space.
            tokens.append(text.replace("\u2581", " ") if kind == 4 else text)
            scores.append(struct.unpack("<f", _bytes(piece.get(2, b"\0\0\0\0")))[0])
            types.append(kind)
        elif field == _TRAINER:
            trainer = dict(_fields(_bytes(value)))
        elif field == _NORMALIZER:
            normalizer = dict(_fields(_bytes(value)))
    if _int(trainer.get(3, 1)) != _BPE:
        raise SourceError(
            say(
                "This SentencePiece model is not of the BPE kind.",
                "이 SentencePiece 모델은 BPE 방식이 아닙니다.",
            ),
            say("Only BPE can be converted.", "BPE 방식만 변환할 수 있습니다."),
            say(
                "Put the model's tokenizer.json into the folder.",
                "모델의 tokenizer.json을 폴더에 넣으세요.",
            ),
        )
    return Vocabulary(
        model="llama",
        tokens=tokens,
        scores=scores,
        types=types,
        bos=_id(trainer.get(41, 1)),
        eos=_id(trainer.get(42, 2)),
        unk=_id(trainer.get(40, 0)),
        ends=extra.ends,
        add_bos=extra.add_bos,
        add_space_prefix=bool(normalizer.get(3, 1)),
        chat_template=extra.chat_template,
        normalizers=tuple(_normalizers(normalizer)),
    )


def _normalizers(spec: dict[int, int | bytes]) -> Iterator[dict[str, Json]]:
    charsmap = _bytes(spec.get(2, b""))
    if charsmap:
        text = base64.b64encode(charsmap).decode("ascii")
        yield {"type": "Precompiled", "precompiled_charsmap": text}
    if spec.get(4, 1):
        yield {"type": "Strip", "strip_left": True, "strip_right": True}
        yield {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}


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
