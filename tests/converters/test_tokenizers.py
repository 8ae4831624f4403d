import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library

from ondol.errors import CorruptSource, MissingTokenizer, SourceError
from ondol.tokenizer import Tokenizer
from ondol_converters.tokenizers import (
    Vocabulary,
    from_vocabulary,
)
from ondol_converters.tokenizers.pretokenizers import PRE_TOKENIZERS
from ondol_converters.tokenizers.spm import merges_of
from tokenizer_maker import bytelevel, sentencepiece, spelt


@pytest.fixture(autouse=True, scope="module")
def english() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONDOL_LANG", "en")
        yield


SPM = sentencepiece()
BYTES = bytelevel()


def greedy(text: str, vocabulary: Vocabulary) -> list[str]:
    """SentencePiece's rule word for word: the best score first, the leftmost of equals."""
    scores = {
        token: score
        for token, score, kind in zip(
            vocabulary.tokens, vocabulary.scores, vocabulary.types, strict=True
        )
        if kind == 1
    }
    parts = list(text.replace(" ", "▁"))
    while True:
        found = [
            (-scores[left + right], at)
            for at, (left, right) in enumerate(pairwise(parts))
            if left + right in scores
        ]
        if not found:
            return parts
        at = min(found)[1]
        parts[at : at + 2] = [parts[at] + parts[at + 1]]


@given(st.text("안녕하세요한국어abc▁the ", max_size=30).filter(lambda text: "  " not in text))
def test_merging_is_sentencepieces(text: str) -> None:
    tokenizer = Tokenizer(from_vocabulary(SPM).json)
    tokens = [SPM.tokens[number] for number in tokenizer.encode(text)]
    assert tokens == greedy(text, SPM)


@given(st.dictionaries(st.text("ab", min_size=2, max_size=6), st.integers(-9, 0), max_size=12))
def test_merges_from_scores_are_greedy(scores: dict[str, int]) -> None:
    pieces = {"a": -99.0, "b": -99.0, **{piece: float(score) for piece, score in scores.items()}}
    kinds = [1] * len(pieces)
    # Equal scores with overlapping pieces depend on the place, which a list of merges cannot say.
    pieces = {piece: score - number / 100 for number, (piece, score) in enumerate(pieces.items())}
    vocabulary = Vocabulary("llama", list(pieces), "", list(pieces.values()), kinds)
    tokenizer = Tokenizer(from_vocabulary(replace(vocabulary, add_space_prefix=False)).json)
    for text in ("aaaaaaa", "abababab", "aabbaabb", "bbbab", "babaab"):
        tokens = [vocabulary.tokens[number] for number in tokenizer.encode(text)]
        assert tokens == greedy(text, vocabulary)


def test_one_merge_for_each_piece() -> None:
    merges = merges_of({"a": -9.0, "b": -8.0, "ab": 0.0, "aab": -1.0, "aa": -2.0})
    assert merges == [("a", "b"), ("a", "ab"), ("a", "a")]


def test_runs_of_equal_score_grow_from_the_left() -> None:
    scores = {"▁" * size: 0.0 for size in range(1, 6)}
    vocabulary = Vocabulary(
        "llama", list(scores), "", list(scores.values()), add_space_prefix=False
    )
    tokenizer = Tokenizer(from_vocabulary(vocabulary).json)
    assert [len(tokenizer.token_bytes(number)) for number in tokenizer.encode(" " * 12)] == [
        5,
        5,
        2,
    ]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("안녕하세요", ["안녕하세요"]),
        ("뷁", ["<0xEB>", "<0xB7>", "<0x81>"]),
        ("안녕\n\n\n하", ["안녕", "\n\n", "\n", "하"]),
        ("a     b", ["a", "   ", "  ", "b"]),
        ("<b>안", ["<b>", "안"]),
        ("</s>", ["<0x3C>", "<0x2F>", "<0x73>", "<0x3E>"]),
        ("<0x41>", ["<0x3C>", "<0x30>", "<0x78>", "<0x34>", "<0x31>", "<0x3E>"]),
    ],
)
def test_sentencepiece_details(text: str, tokens: list[str]) -> None:
    tokenizer = Tokenizer(from_vocabulary(SPM).json)
    assert [SPM.tokens[number] for number in tokenizer.encode(text)] == tokens


def test_user_text_never_becomes_a_control_token() -> None:
    for vocabulary in (SPM, BYTES):
        tokenizer = Tokenizer(from_vocabulary(vocabulary).json)
        control = {number for number, kind in enumerate(vocabulary.types) if kind in (2, 3)}
        text = "가".join(vocabulary.tokens[number] for number in control)
        assert control.isdisjoint(tokenizer.encode(text))
        assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("prefix", [True, False])
def test_space_prefix_only_where_the_file_asks(prefix: bool) -> None:
    vocabulary = sentencepiece(space_prefix=prefix)
    tokenizer = Tokenizer(from_vocabulary(vocabulary).json)
    assert [vocabulary.tokens[number] for number in tokenizer.encode("안녕")] == [
        "▁안녕" if prefix else "안녕"
    ]
    assert tokenizer.decode(tokenizer.encode("안녕 하")) == "안녕 하"


def test_bytelevel_details() -> None:
    tokenizer = Tokenizer(from_vocabulary(BYTES).json)
    tokens = [BYTES.tokens[number] for number in tokenizer.encode("안녕 ab123")]
    assert tokens == [spelt("안녕"), spelt(" "), "ab", "1", "2", "3"]
    assert tokenizer.token_bytes(BYTES.tokens.index("[PAD1]")) == b""


def test_every_family_loads_and_keeps_text() -> None:
    text = "안녕 I'll don't 12345 \n\n x=[1, 2];\t 한국어\r\n"
    for name in PRE_TOKENIZERS:
        tokenizer = Tokenizer(from_vocabulary(bytelevel(name)).json)
        assert tokenizer.decode(tokenizer.encode(text)) == text, name


def test_digits_are_grouped_by_family() -> None:
    def cut(pre: str) -> list[str]:
        vocabulary = bytelevel(pre)
        tokenizer = Tokenizer(from_vocabulary(vocabulary).json)
        return [vocabulary.tokens[number] for number in tokenizer.encode("123")]

    assert cut("qwen2") == cut("exaone") == ["1", "2", "3"]
    assert cut("llama-bpe") == cut("gpt-2") == ["123"]


@pytest.mark.parametrize("vocabulary", [SPM, BYTES], ids=["sentencepiece", "bytelevel"])
def test_the_library_reads_it_as_it_stands(vocabulary: Vocabulary) -> None:
    files = from_vocabulary(vocabulary)
    library = Library.from_str(files.json)
    assert json.loads(files.json)["model"]["byte_fallback"] == (vocabulary is SPM)
    for number in (0, 5, 300):
        if number < len(vocabulary.tokens):
            assert library.token_to_id(vocabulary.tokens[number]) == number


def test_ends_and_begin() -> None:
    files = from_vocabulary(SPM)
    assert (files.bos, files.eos) == (2, (1, 5))  # not </s>, which is an HTML tag here
    files = from_vocabulary(BYTES)
    ends = (BYTES.tokens.index("<|im_end|>"), BYTES.tokens.index("<|endoftext|>"))
    assert (files.bos, files.eos) == (None, ends)
    assert from_vocabulary(replace(BYTES, pre="llama3", add_bos=None)).bos == BYTES.bos
    assert from_vocabulary(replace(BYTES, pre="llama3", add_bos=False)).bos is None
    assert from_vocabulary(replace(BYTES, types=())).eos == ends


@pytest.mark.parametrize(
    ("vocabulary", "kind", "words"),
    [
        (replace(SPM, tokens=()), MissingTokenizer, "tokens"),
        (replace(SPM, scores=()), MissingTokenizer, "scores"),
        (replace(BYTES, merges=()), MissingTokenizer, "merges"),
        (replace(SPM, scores=SPM.scores[:-1]), CorruptSource, "scores"),
        (replace(SPM, types=SPM.types[:-1]), CorruptSource, "types"),
        (replace(SPM, scores=[float("nan")] * len(SPM.tokens)), CorruptSource, "not a number"),
        (replace(SPM, bos=len(SPM.tokens)), CorruptSource, "bos"),
        (replace(SPM, eos=-1), CorruptSource, "eos"),
        (replace(SPM, ends=(1 << 40,)), CorruptSource, "end-of-turn"),
        (replace(SPM, tokens=[*SPM.tokens[:-1], "안녕"]), CorruptSource, "안녕"),
        (replace(BYTES, merges=["a"]), CorruptSource, "pair"),
        (replace(BYTES, merges=["a "]), CorruptSource, "pair"),
        (replace(BYTES, merges=["Q Q"]), CorruptSource, "QQ"),
        (replace(BYTES, pre="klingon"), SourceError, "qwen2"),
        (replace(BYTES, model="t5"), SourceError, "t5"),
    ],
)
def test_contradictions_are_named(
    vocabulary: Vocabulary, kind: type[SourceError], words: str
) -> None:
    with pytest.raises(kind) as caught:
        from_vocabulary(vocabulary)
    assert words in str(caught.value)
