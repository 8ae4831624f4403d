"""Whether a tokenizer and an embedding are of one model."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ondol.errors import CorruptSource
from ondol.language import say
from ondol_converters.sources import TokenizerFiles
from ondol_converters.vocabulary.cutting import cut_to
from ondol_converters.vocabulary.pieces import read_pieces

LEAST_USED = 0.9
"""Makers round the rows of an embedding up, by 2 % at most in the models we know."""


def fitted(tokenizer: TokenizerFiles, rows: int) -> TokenizerFiles:
    """A tokenizer that an embedding has a row for every token of.

    Added tokens beyond the last row are left out: some makers list those of a larger model
    (Gemma 3 1B has the 4B's token for images).

    Raises:
        CorruptSource: if its tokens are more than the rows, or far fewer, or it ends with others.
    """
    try:
        whole: Mapping[str, Any] = json.loads(tokenizer.json)
        vocabulary = whole["model"]["vocab"]
        added = [int(token["id"]) for token in whole.get("added_tokens") or ()]
        plain = _ids(vocabulary) - set(added)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as exc:
        raise CorruptSource(
            say("The tokenizer.json has no vocabulary.", "tokenizer.json에 어휘가 없습니다."),
            f"{type(exc).__name__}: {exc!s:.200}",
            say("Download the model again.", "모델을 다시 내려받으세요."),
        ) from exc
    ends = [*tokenizer.eos, *([] if tokenizer.bos is None else [tokenizer.bos])]
    most = max([*plain, *ends], default=0)
    if most >= rows or min([*plain, *ends], default=0) < 0:
        raise _another(
            f"It has a token {most}; the embedding has {rows} rows.",
            f"토크나이저에는 {most}번 토큰이 있는데 임베딩은 {rows}행입니다.",
        )
    used = len(plain | {number for number in added if number < rows})
    if used < LEAST_USED * rows:
        raise _another(
            f"It has {used} tokens; the embedding has {rows} rows.",
            f"토크나이저의 토큰은 {used}개인데 임베딩은 {rows}행입니다.",
        )
    if max(added, default=0) < rows:
        return tokenizer
    pieces = read_pieces(tokenizer.json)
    return replace(tokenizer, json=cut_to(pieces, {n for n in pieces.tokens if n < rows}).json)


def _ids(vocabulary: Mapping[str, int] | list[Any]) -> set[int]:
    values: Iterable[int] = (
        vocabulary.values() if isinstance(vocabulary, Mapping) else range(len(vocabulary))
    )
    return {int(number) for number in values}


def _another(en: str, ko: str) -> CorruptSource:
    return CorruptSource(
        say("The tokenizer is not this model's.", "이 모델의 토크나이저가 아닙니다."),
        say(en, ko),
        say("Get the model again, whole.", "모델을 온전히 다시 받으세요."),
    )
