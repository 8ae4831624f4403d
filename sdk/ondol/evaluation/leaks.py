"""How likely a model is to slip into Chinese characters or kana, whether or not it does."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ondol.evaluation.alignment import log_probabilities
from ondol.runtime import DecoderSession
from ondol.scripts import LEAKS, Script, script_of
from ondol.tokenizer import Tokenizer

CHUNK = 64
HAN_LEADS = range(0xE4, 0xEA)
"""First UTF-8 bytes of U+4000 to U+9FFF, nearly all of them Chinese characters."""


def leaking_tokens(
    tokenizer: Tokenizer, vocabulary: int, *, hanja: bool = False
) -> NDArray[np.int64]:
    """Ids below `vocabulary` that write a Chinese character or kana, or begin one in bytes.

    With `hanja` Chinese characters are meant to be there; then kana alone count.
    """
    scripts: tuple[Script, ...] = ("kana",) if hanja else LEAKS
    found = [token for token in range(vocabulary) if _leaks(tokenizer.token_bytes(token), scripts)]
    return np.array(found, np.int64)


def leaking_mass(
    session: DecoderSession, tokenizer: Tokenizer, text: str, *, hanja: bool = False
) -> float:
    """The mean probability, over a text's positions, that the next token is a leaking one, 0 to 1.

    What the session held is forgotten. The text is cut to the session's context.
    """
    leaking = leaking_tokens(tokenizer, session.vocabulary, hanja=hanja)
    first = [] if tokenizer.bos is None else [tokenizer.bos]
    ids: Sequence[int] = [*first, *tokenizer.encode(text)][: session.context]
    session.rewind(0)
    total = 0.0
    for start in range(0, len(ids), CHUNK):
        for row in session.append_all(ids[start : start + CHUNK]):
            total += float(np.exp(log_probabilities(row)[leaking]).sum())
    return total / max(len(ids), 1)


def _leaks(data: bytes, scripts: tuple[Script, ...]) -> bool:
    if any(script_of(character) in scripts for character in data.decode("utf-8", "ignore")):
        return True
    try:
        data.decode()
    except UnicodeDecodeError as exc:
        return exc.reason == "unexpected end of data" and (
            "han" in scripts and data[exc.start] in HAN_LEADS
        )
    return False
