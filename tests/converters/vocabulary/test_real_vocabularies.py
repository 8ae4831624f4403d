"""The starters' own vocabularies, cut: real text is split as before, whatever it is made of."""

import unicodedata
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol.evaluation.text import evaluation_texts
from ondol.tokenizer import Tokenizer
from ondol_converters.recipe import Options, VocabularyCut
from ondol_converters.sources.gguf import GgufSource
from ondol_converters.texts import load
from ondol_converters.vocabulary import Cut, cut_tokenizer
from vocabulary_maker import OTHERS, SIGNS
from weights import gguf_path

pytestmark = pytest.mark.weights
ROOT = Path(__file__).parents[3]
CODE = (ROOT / "sdk" / "ondol" / "engine.py", ROOT / "converters" / "README.md")
SYLLABLES = "".join(map(chr, range(0xAC00, 0xD7A4)))
NAMES = ("gemma", "qwen")
SIZES = {"gemma": (262144, 167261, 31499), "qwen": (151665, 104820, 34007)}
TEXT = st.text(
    st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
    | st.characters(min_codepoint=0x20, max_codepoint=0x7E)
    | st.sampled_from("\n\t  ·…“”「」→※㎡ㅋㅎ😀👨\u200d👩éïñ①㈜"),
    max_size=60,
)


@cache
def json_of(name: str) -> str:
    with GgufSource(gguf_path(name)) as source:
        return source.tokenizer().json


@cache
def whole(name: str) -> Tokenizer:
    return Tokenizer(json_of(name))


@cache
def cut_of(name: str, vocabulary: VocabularyCut) -> tuple[Cut, Tokenizer]:
    texts = [text.text for text in load().texts]
    cut = cut_tokenizer(json_of(name), Options(vocabulary=vocabulary), texts)
    return cut, Tokenizer(cut.json)


def same(name: str, text: str) -> None:
    cut, small = cut_of(name, "ko-en")
    assert cut.kept[small.encode(text)].tolist() == whole(name).encode(text)


@pytest.mark.parametrize("name", NAMES)
def test_real_texts_and_every_syllable(name: str) -> None:
    constitution = (ROOT / "tests" / "fixtures" / "text" / "constitution.txt").read_text("utf-8")
    texts = [*(text.text for text in (*load().texts, *evaluation_texts())), constitution, SIGNS]
    for text in (*texts, *(path.read_text("utf-8") for path in CODE), SYLLABLES):
        same(name, text)
    same(name, " ".join(SYLLABLES))


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None, max_examples=200)
@given(text=TEXT)
def test_any_korean_english_and_code(name: str, text: str) -> None:
    same(name, text)


@pytest.mark.parametrize("vocabulary", ["ko-en", "ko-en-compact"])
@pytest.mark.parametrize("name", NAMES)
def test_other_scripts_come_back_through_bytes(name: str, vocabulary: VocabularyCut) -> None:
    _, small = cut_of(name, vocabulary)
    text = unicodedata.normalize("NFC", OTHERS + SIGNS + "\x00\x7f\U000e0001\ue000뷁")
    assert small.decode(small.encode(text)) == text


@pytest.mark.parametrize("name", NAMES)
def test_sizes_and_what_korean_keeps(name: str) -> None:
    full, script, compact = SIZES[name]
    assert whole(name).size == full
    assert len(cut_of(name, "ko-en")[0].kept) == script
    cut, small = cut_of(name, "ko-en-compact")
    assert abs(len(cut.kept) - compact) < 3000  # as the words and texts we ship change
    assert set(cut.kept) <= set(cut_of(name, "ko-en")[0].kept)
    before, after = whole(name), small
    for text in evaluation_texts():
        most = {"ko": 1.001, "en": 1.09}[text.language]
        assert len(after.encode(text.text)) <= most * len(before.encode(text.text))
    if name == "gemma":
        letters = [
            n for n in range(full) if len(before.token_bytes(n).decode("utf-8", "ignore")) == 1
        ]
        hangul = [n for n in letters if 0xAC00 <= ord(before.token_bytes(n).decode()) <= 0xD7A3]
        assert len(hangul) == 1733 and np.isin(hangul, cut.kept).all()
