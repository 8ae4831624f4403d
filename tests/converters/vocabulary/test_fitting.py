"""A tokenizer that does not match the embedding."""

import json
from dataclasses import replace
from typing import Any

import pytest

from ondol.errors import CorruptSource
from ondol.tokenizer import Tokenizer
from ondol_converters.sources import TokenizerFiles
from ondol_converters.vocabulary.fitting import fitted
from vocabulary_maker import KINDS, trained


def files(kind: str, *added: dict[str, Any]) -> TokenizerFiles:
    whole = json.loads(trained(kind))
    whole["added_tokens"] += added
    return TokenizerFiles(json.dumps(whole), None, None, (0,))


def token(number: int) -> dict[str, Any]:
    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": "<image>", "special": True, **flags}


@pytest.mark.parametrize("kind", KINDS)
def test_more_tokens_than_rows_or_far_fewer(kind: str) -> None:
    found = files(kind)
    size = Tokenizer(found.json).size
    assert fitted(found, size) is found
    assert fitted(found, size + 100) is found
    for rows in (size - 1, 2 * size):
        with pytest.raises(CorruptSource, match=f"has {rows} rows"):
            fitted(found, rows)


@pytest.mark.parametrize("ends", [{"eos": (9999,)}, {"bos": 9999}, {"eos": (-1,)}])
def test_ends_that_no_row_is_for(ends: dict[str, Any]) -> None:
    found = files("bytelevel")
    size = Tokenizer(found.json).size
    with pytest.raises(CorruptSource, match="not this model's"):
        fitted(replace(found, **ends), size)


@pytest.mark.parametrize("kind", KINDS)
def test_added_tokens_of_a_larger_model_are_left_out(kind: str) -> None:
    size = Tokenizer(files(kind).json).size
    found = fitted(files(kind, token(size)), size)
    assert "<image>" not in Tokenizer(found.json).special_tokens
    assert Tokenizer(found.json).size == size
    text = "안녕하세요 <image> the"
    assert Tokenizer(found.json).encode(text) == Tokenizer(files(kind).json).encode(text)


def test_a_tokenizer_without_a_vocabulary() -> None:
    for text in ("{}", "[", '{"model": {"vocab": 3}}'):
        with pytest.raises(CorruptSource, match="no vocabulary"):
            fitted(TokenizerFiles(text, None, None, ()), 10)
