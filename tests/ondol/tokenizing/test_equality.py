"""The mapped tokenizer gives the ids of the `tokenizers` library, whatever the text."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol.tokenizer import Tokenizer
from ondol.tokenizing.building import table_bytes
from ondol.tokenizing.mapped import MappedBackend
from ondol.tokenizing.table import Table
from ondol_converters.texts import load
from ondol_converters.tokenizers import from_vocabulary
from ondol_converters.tokenizers.categories import library_categories
from ondol_converters.tokenizers.pretokenizers import PRE_TOKENIZERS
from tokenizer_kinds import STORY, kinds
from tokenizer_maker import bytelevel

PARITY = Path(__file__).parents[2] / "fixtures" / "tokenizers" / "parity.json.gz"
PIECES = (
    *("온돌", "안녕하세요", " ", "  ", "\n", "\n\n", "\t", "\r\n", "▁", "'s", "'S", "'ſ", "'re"),
    *("don't", "12", "3456", "①", "½", "a", "B", "ǅ", "é", "e\u0301", "\u1112\u1161\u11ab", "ㅋ"),
    *(
        "👩‍👩‍👧",
        "🇰🇷",
        "한",
        "漢字",
        "カナ",
        "<b>",
        "<i>",
        "<b><i>",
        "<s>",
        "<unk>",
        "]",
        "^",
        "$",
        "+",
    ),
    *("==", "_", "/", "\xa0", "\u3000", "\x85", "\x1c", "\u200b", "\U0001fae8", "<0xEA>", "."),
)
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=4)), max_size=30).map("".join)


@cache
def both(name: str) -> tuple[Tokenizer, Tokenizer]:
    return beside(kinds()[name])


def beside(text: str, **ends: Any) -> tuple[Tokenizer, Tokenizer]:
    """The same tokenizer.json by its table and by the library."""
    table = Table(memoryview(table_bytes(text.encode(), library_categories)))
    return Tokenizer(MappedBackend(table), **ends), Tokenizer(text, by="library", **ends)


def assert_equal(pair: tuple[Tokenizer, Tokenizer], text: str) -> None:
    mapped, library = (each.encode(text, normalise=False) for each in pair)
    assert mapped == library
    assert pair[0].decode(mapped) == pair[1].decode(library)


@pytest.mark.parametrize("name", kinds())
def test_texts_get_the_same_ids(name: str) -> None:
    pair = both(name)
    for text in ("", " ", "\n", STORY, *STORY.split("\n"), *STORY.split(), load().text[:4000]):
        assert_equal(pair, text)
    assert pair[0].encode(STORY, special=True) == pair[1].encode(STORY, special=True)


@pytest.mark.parametrize("name", kinds())
def test_tokens_are_the_same(name: str) -> None:
    mapped, library = both(name)
    assert (mapped.backend, library.backend) == ("mapped", "tokenizers")
    assert mapped.vocabulary == library.vocabulary and mapped.size == library.size
    assert mapped.special_tokens == library.special_tokens
    assert mapped.strips_space == library.strips_space
    for token in range(max(library.vocabulary.values()) + 3):
        assert mapped.token_bytes(token) == library.token_bytes(token)


@given(st.sampled_from(sorted(kinds())), TEXTS)
@settings(max_examples=400, deadline=None)
def test_any_text_gets_the_same_ids(name: str, text: str) -> None:
    assert_equal(both(name), text)


@pytest.mark.parametrize("pre", sorted(PRE_TOKENIZERS))
def test_every_family_of_ours_has_a_table(pre: str) -> None:
    assert_equal(beside(from_vocabulary(bytelevel(pre)).json), STORY)


@pytest.mark.parametrize("name", ["pieces", "pieces-bridged", "pieces-unknown", "level"])
def test_long_texts(name: str) -> None:
    pair = both(name)
    for text in (
        load().text[:20_000],
        "가" * 5000,
        " " * 5000,
        "▁a" * 2000,
        "\n" * 3000,
        "ab" * 3000,
    ):
        assert_equal(pair, text)


@pytest.mark.weights
@pytest.mark.parametrize("model", ["gemma", "qwen"])
def test_starters_give_llama_cpps_ids(model: str) -> None:
    from ondol_converters.sources.gguf import GgufSource
    from weights import gguf_path

    parity = json.loads(gzip.decompress(PARITY.read_bytes()))
    with GgufSource(gguf_path(model)) as source:
        files = source.tokenizer()
    mapped, library = beside(files.json, bos=files.bos, eos=files.eos)
    for text, ids in zip(parity["texts"], parity[model], strict=True):
        assert mapped.encode(text, normalise=False) == ids
        assert mapped.decode(ids) == library.decode(ids)
    for code, ids in enumerate(parity[f"{model}_syllables"], 0xAC00):
        assert mapped.encode(chr(code)) == ids
    assert mapped.vocabulary == library.vocabulary
    assert mapped.special_tokens == library.special_tokens
    assert (mapped.bos_text, mapped.eos_text) == (library.bos_text, library.eos_text)
    for token in range(mapped.size + 300):
        assert mapped.token_bytes(token) == library.token_bytes(token)
