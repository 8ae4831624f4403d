"""Cut to the scripts of Korean and English: the same ids as before, under new numbers."""

import json
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Library

from ondol.errors import CorruptSource, SourceError
from ondol.evaluation.text import evaluation_texts
from ondol.scripts import script_of
from ondol.tokenizer import Tokenizer
from ondol_converters.recipe import Options, VocabularyCut
from ondol_converters.texts import load
from ondol_converters.vocabulary import Cut, cut_tokenizer
from ondol_converters.vocabulary.pieces import read_pieces
from vocabulary_maker import EXACT, KINDS, OTHERS, SIGNS, trained

CONSTITUTION = Path(__file__).parents[2] / "fixtures" / "text" / "constitution.txt"
SYLLABLES = "".join(map(chr, range(0xAC00, 0xD7A4)))
SIGN = st.sampled_from("😀👩\u200d\ufe0f·…“”「」→※℃㎡①㈜㉠éïñ½€₩\n\t\u00a0，！Ａㅋㅎ각Σμ")
KOREAN = st.text(
    st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
    | st.characters(min_codepoint=0x20, max_codepoint=0x7E)
    | SIGN,
    max_size=40,
)
Trio = tuple[Tokenizer, Cut, Tokenizer]
ANY = st.text(st.characters(codec="utf-8"), max_size=20)


def made(kind: str, vocabulary: VocabularyCut = "ko-en", **others: Any) -> Cut:
    texts = [text.text for text in load().texts]
    return cut_tokenizer(trained(kind), Options(vocabulary=vocabulary, **others), texts)


@cache
def made_once(kind: str, vocabulary: VocabularyCut) -> Cut:
    return made(kind, vocabulary)


@cache
def tokenizer_of(kind: str, vocabulary: VocabularyCut) -> Tokenizer:
    return Tokenizer(made_once(kind, vocabulary).json)


@pytest.fixture(scope="module", params=KINDS)
def pair(request: pytest.FixtureRequest) -> Trio:
    """A tokenizer, its cut, and the tokenizer of that."""
    cut = made_once(request.param, "ko-en")
    return Tokenizer(trained(request.param)), cut, Tokenizer(cut.json)


def same(pair: Trio, text: str) -> None:
    whole, cut, small = pair
    assert [int(cut.kept[new]) for new in small.encode(text)] == whole.encode(text), text


@pytest.mark.parametrize("kind", KINDS)
def test_other_scripts_are_gone(kind: str) -> None:
    whole, cut, small = trained(kind), made_once(kind, "ko-en"), tokenizer_of(kind, "ko-en")
    assert small.size == len(cut.kept) < 0.97 * Tokenizer(whole).size
    assert (np.diff(cut.kept) > 0).all() and cut.kept.dtype == np.int64
    # Of a Unigram vocabulary the piece with the lowest score stays, of whatever script.
    needed = {cut.new(number) for number in read_pieces(whole).needed}
    for number in set(range(small.size)) - needed:
        text = small.token_bytes(number).decode("utf-8", "ignore")
        assert not {script_of(character) for character in text} & {"han", "kana", "other"}


@settings(deadline=None)
@given(text=KOREAN)
def test_korean_and_english_are_split_as_before(pair: Trio, text: str) -> None:
    greek = [script_of(character) == "greek" for character in unicodedata.normalize("NFC", text)]
    if not any(a and b for a, b in zip(greek, greek[1:], strict=False)):
        same(pair, text)


def test_real_texts_and_every_syllable(pair: Trio) -> None:
    for text in (
        *(text.text for text in (*load().texts, *evaluation_texts())),
        CONSTITUTION.read_text("utf-8"),
        Path(__file__).read_text("utf-8").partition("KOREAN")[0],
        SIGNS,
        " ".join(SYLLABLES),
        SYLLABLES,
    ):
        same(pair, text)


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("vocabulary", ["ko-en", "ko-en-compact"])
@settings(deadline=None)
@given(text=ANY)
def test_any_text_comes_back(kind: str, vocabulary: VocabularyCut, text: str) -> None:
    small = tokenizer_of(kind, vocabulary)
    assert small.decode(small.encode(text, normalise=False)) == text
    assert small.decode(small.encode(OTHERS)) == unicodedata.normalize("NFC", OTHERS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vocabulary", ["ko-en", "ko-en-compact"])
def test_ancestors_bytes_and_special_tokens_are_kept(kind: str, vocabulary: VocabularyCut) -> None:
    pieces, cut = read_pieces(trained(kind)), made_once(kind, vocabulary)
    kept = set(cut.kept.tolist())
    assert pieces.needed <= kept
    assert all(set(pieces.parents(number)) <= kept for number in kept)
    reserved = {number for number, text in pieces.tokens.items() if "unused" in text}
    assert pieces.added - reserved <= kept
    assert reserved.isdisjoint(kept) == (vocabulary == "ko-en-compact" or not reserved)


@pytest.mark.parametrize("kind", KINDS)
def test_hanja_where_asked(kind: str) -> None:
    whole = Tokenizer(trained(kind))
    cut = made(kind, hanja=True)
    small = Tokenizer(cut.json)
    same((whole, cut, small), "大韓民國은 民主共和國이다.")
    assert len(cut.kept) > len(made_once(kind, "ko-en").kept)
    assert not any("の" in small.decode([number]) for number in range(small.size))


@pytest.mark.parametrize("kind", ["unigram", "wordpiece"])
def test_what_surrounds_a_text_has_new_ids(kind: str) -> None:
    cut = made_once(kind, "ko-en-compact")
    whole, small = Library.from_str(trained(kind)), Library.from_str(cut.json)
    for text in ("안녕하세요", "the 한국어"):
        encoded = small.encode(text)
        assert encoded.tokens[:1] + encoded.tokens[-1:] == (
            whole.encode(text).tokens[:1] + whole.encode(text).tokens[-1:]
        )
        assert encoded.tokens == [small.id_to_token(number) for number in encoded.ids]
    if kind == "unigram":
        padded = small.encode_batch(["안녕하세요 여러분", "안"])[1]
        assert padded.tokens[-1] == small.id_to_token(padded.ids[-1]) == "<pad>"


def test_the_full_vocabulary_is_as_it_was() -> None:
    for kind in KINDS:
        cut = cut_tokenizer(trained(kind), Options())
        assert cut.kept.tolist() == list(range(len(cut.kept)))
        assert json.loads(cut.json)["model"]["vocab"] == json.loads(trained(kind))["model"]["vocab"]
        assert cut.new(5) == 5 and cut.new(len(cut.kept)) is None


def test_holes_between_ids_are_closed() -> None:
    whole = json.loads(trained("bytelevel"))
    for token in whole["added_tokens"]:
        whole["model"]["vocab"].pop(token["content"])
        token["id"] = 9999
    cut = cut_tokenizer(json.dumps(whole), Options())
    assert cut.kept[-1] == 9999 and cut.new(9999) == len(cut.kept) - 1
    assert Tokenizer(cut.json).encode("<|end|>", special=True) == [len(cut.kept) - 1]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda whole: whole["model"].update(type="WordLevel"), SourceError, "WordLevel"),
        (lambda whole: whole["model"].pop("vocab"), CorruptSource, "vocab"),
        (lambda whole: whole["model"]["vocab"].update(가=0), CorruptSource, "one id"),
        (lambda whole: whole["model"]["vocab"].update(가=-1), CorruptSource, "below 0"),
        (lambda whole: whole["model"]["merges"].append(["Q", "QQQ"]), CorruptSource, "QQQ"),
        (lambda whole: whole["model"]["merges"].append("Q"), CorruptSource, "unpack"),
        (lambda whole: whole["added_tokens"].append({"id": 1}), CorruptSource, "content"),
    ],
)
def test_a_broken_tokenizer_is_named(change: Any, error: type[SourceError], words: str) -> None:
    whole = json.loads(trained("bytelevel"))
    change(whole)
    with pytest.raises(error, match=words) as caught:
        cut_tokenizer(json.dumps(whole), Options(vocabulary="ko-en"))
    assert type(caught.value) is error
    with pytest.raises(CorruptSource):
        cut_tokenizer("[", Options(vocabulary="ko-en"))
