"""Unigram vocabularies (Kudo 2018, arXiv 1804.10959): pieces with log probabilities.

The library looks for every piece of the vocabulary in the text; SentencePiece leaves out control,
unknown, byte and unused ones. So text that spells one of those is cut inside before the search.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ondol.errors import CorruptSource, MissingTokenizer
from ondol.language import say
from ondol_converters.sources import Json, TokenizerFiles
from ondol_converters.tokenizers.jsonfile import AddedToken, added_json, surrounded
from ondol_converters.tokenizers.proto import Model
from ondol_converters.tokenizers.spm import SPACE
from ondol_converters.tokenizers.vocabulary import BYTE, CONTROL, UNKNOWN, UNUSED, USER_DEFINED

_HIDDEN = (CONTROL, UNKNOWN, BYTE)


@dataclass(frozen=True, slots=True)
class Fairseq:
    """The order of fairseq: its own specials first, then the file's pieces after theirs.

    `first` and `last` are the model's specials before and after; `skipped` pieces of the file
    are the specials in the file's own order.
    """

    first: tuple[str, ...] = ("<s>", "<pad>", "</s>", "<unk>")
    last: tuple[str, ...] = ("<mask>",)
    skipped: int = 3


@dataclass(frozen=True, slots=True)
class _Rows:
    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    types: tuple[int, ...]
    unk: int


def from_unigram(
    model: Model,
    before: Sequence[Mapping[str, Json]],
    *,
    chat_template: str | None = None,
    ends: tuple[int, ...] = (),
    add_bos: bool | None = None,
    around: tuple[str | None, str | None] = (None, None),
    fairseq: Fairseq | None = None,
) -> TokenizerFiles:
    """The tokenizer of a Unigram model, with the ids that SentencePiece gives for a text.

    Args:
        model: the file.
        before: its normalizers in the words of `tokenizer.json`.
        chat_template: the folder's chat template.
        ends: further ids that end a reply.
        add_bos: whether a prompt begins with the model's `bos`.
        around: pieces put before and after a text, such as [CLS] and [SEP].
        fairseq: how the model numbers its tokens, where not as the file does.

    Raises:
        MissingTokenizer: if there are no pieces.
        CorruptSource: if scores, ids or pieces contradict each other.
    """
    rows = _rows(model, fairseq)
    ids = _checked(rows)
    for piece in filter(None, around):
        if piece not in ids:
            raise _contradiction(
                say(f"The piece {piece!r} is missing.", f"조각 {piece!r}이(가) 없습니다.")
            )
    bos = around[0] if fairseq else None if model.bos is None else _piece(rows, model.bos)
    eos = around[1] if fairseq else None if model.eos is None else _piece(rows, model.eos)
    found = dict.fromkeys(ids[each] for each in (eos,) if each is not None)
    found |= dict.fromkeys(ends)
    bad = [number for number in found if not 0 <= number < len(rows.pieces)]
    if bad:
        raise _contradiction(
            say(f"The end token is number {bad[0]}.", f"끝 토큰의 번호가 {bad[0]}입니다.")
        )
    text = _json(model, rows, before, around, fairseq is not None)
    first = ids[bos] if add_bos and bos is not None else None
    return TokenizerFiles(text, chat_template, first, tuple(found))


def _rows(model: Model, fairseq: Fairseq | None) -> _Rows:
    if not model.pieces:
        raise MissingTokenizer(
            say("The SentencePiece file has no pieces.", "SentencePiece 파일에 조각이 없습니다."),
            say(
                "Text cannot be split without them.", "이것 없이는 글을 토큰으로 나눌 수 없습니다."
            ),
            say("Download the file again.", "파일을 다시 내려받으세요."),
        )
    pieces, scores, types = model.pieces, model.scores, model.types
    unk = 0 if model.unk is None else model.unk
    if fairseq:
        skipped, first, last = fairseq.skipped, fairseq.first, fairseq.last
        pieces = (*first, *pieces[skipped:], *last)
        scores = (*[0.0] * len(first), *scores[skipped:], *[0.0] * len(last))
        types = (*[CONTROL] * len(first), *types[skipped:], *[CONTROL] * len(last))
        unk = first.index("<unk>")
    # Unused pieces keep their number and lose their text.
    pieces = tuple(
        f"\ufdd0{number}" if kind == UNUSED else piece
        for number, (piece, kind) in enumerate(zip(pieces, types, strict=True))
    )
    return _Rows(pieces, scores, types, unk)


def _checked(rows: _Rows) -> dict[str, int]:
    ids: dict[str, int] = {}
    for number, piece in enumerate(rows.pieces):
        if ids.setdefault(piece, number) != number:
            raise _contradiction(
                say(
                    f"Pieces {ids[piece]} and {number} are both {piece!r}.",
                    f"{ids[piece]}번과 {number}번 조각이 모두 {piece!r}입니다.",
                )
            )
    if not all(map(math.isfinite, rows.scores)):
        raise _contradiction(say("A score is not a number.", "점수가 숫자가 아닙니다."))
    if not 0 <= rows.unk < len(rows.pieces):
        raise _contradiction(
            say(f"The unknown piece is number {rows.unk}.", f"unk 조각의 번호가 {rows.unk}입니다.")
        )
    return ids


def _piece(rows: _Rows, number: int) -> str:
    if not 0 <= number < len(rows.pieces):
        raise _contradiction(
            say(f"A special piece is number {number}.", f"특수 조각의 번호가 {number}입니다.")
        )
    return rows.pieces[number]


def _json(
    model: Model,
    rows: _Rows,
    before: Sequence[Mapping[str, Json]],
    around: tuple[str | None, str | None],
    doubled: bool,
) -> str:
    typed = list(enumerate(zip(rows.pieces, rows.types, strict=True)))
    added = [
        AddedToken(
            number,
            piece.replace(SPACE, " ") if kind == USER_DEFINED else piece,
            kind != USER_DEFINED,
        )
        for number, (piece, kind) in typed
        if kind in (CONTROL, UNKNOWN, USER_DEFINED)
    ]
    normal = [s for s, kind in zip(rows.scores, rows.types, strict=True) if kind not in _HIDDEN]
    lowest = min(normal, default=0.0)
    # The library takes the lowest score of all for the cost of an unknown character.
    scores = [
        score if kind not in (*_HIDDEN, UNUSED) else max(lowest, min(score, 0.0))
        for score, kind in zip(rows.scores, rows.types, strict=True)
    ]
    decoders: list[Json] = [{"type": "Replace", "pattern": {"String": SPACE}, "content": " "}]
    if model.byte_fallback:
        decoders.append({"type": "ByteFallback"})
    decoders.append({"type": "Fuse"})
    if model.prefix:
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    normalizers: list[Json] = [dict(each) for each in before]
    if model.prefix:
        normalizers.append({"type": "Prepend", "prepend": SPACE})
    normalizers.append({"type": "Replace", "pattern": {"String": " "}, "content": SPACE})
    words: Json = {
        "type": "Metaspace",
        "replacement": SPACE,
        "prepend_scheme": "never",
        "split": model.splits_words,
    }
    ids = {piece: number for number, (piece, _) in typed}
    hidden = hiding(piece for _, (piece, kind) in typed if kind in _HIDDEN and len(piece) > 1)
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [added_json(token) for token in added],
            "normalizer": {"type": "Sequence", "normalizers": normalizers},
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [words, hidden]},
            "post_processor": surrounded(*around, ids, doubled=doubled),
            "decoder": {"type": "Sequence", "decoders": decoders},
            "model": {
                "type": "Unigram",
                "unk_id": rows.unk,
                "byte_fallback": model.byte_fallback,
                "vocab": [list(pair) for pair in zip(rows.pieces, scores, strict=True)],
            },
        },
        ensure_ascii=False,
        separators=(",", ":"),
    )


def _text(piece: str, kind: int) -> str:
    """A piece as it is found in a text: those of the user's are looked for before all else."""
    return piece.replace(SPACE, " ") if kind == USER_DEFINED else piece


def hiding(pieces: Iterable[str]) -> Json:
    """A cut after the first character of text that spells one of these pieces."""
    spelt = sorted({f"{re.escape(piece[0])}(?={re.escape(piece[1:])})" for piece in pieces})
    pattern = "|".join(spelt) or r"(?!)"
    return {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": "Isolated",
        "invert": False,
    }


def _contradiction(why: str) -> CorruptSource:
    return CorruptSource(
        say(
            "The SentencePiece file contradicts itself.", "SentencePiece 파일이 서로 맞지 않습니다."
        ),
        why,
        say("Download the file again.", "파일을 다시 내려받으세요."),
    )
