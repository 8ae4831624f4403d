"""A vocabulary learnt from text: what is frequent stays whole, the rest falls into pieces."""

import re

import pytest

from ondol.errors import OptionError
from ondol.tokenizer import Tokenizer
from ondol_converters.recipe import Options
from ondol_converters.texts import load
from ondol_converters.vocabulary import Cut, cut_tokenizer
from ondol_converters.vocabulary.alphabet import Alphabet
from ondol_converters.vocabulary.compact import chosen, expected
from ondol_converters.vocabulary.cutting import by_script
from ondol_converters.vocabulary.pieces import read_pieces
from vocabulary_maker import KINDS, trained

TEXTS = [text.text for text in load().texts]


def cut(kind: str, coverage: float, texts: list[str]) -> Cut:
    options = Options(vocabulary="ko-en-compact", coverage=coverage)
    return cut_tokenizer(trained(kind), options, texts)


@pytest.mark.parametrize("kind", KINDS)
def test_more_coverage_keeps_more(kind: str) -> None:
    cuts = [cut(kind, coverage, TEXTS) for coverage in (0.8, 0.9, 0.97, 1.0)]
    for smaller, larger in zip(cuts, cuts[1:], strict=False):
        assert set(smaller.kept) < set(larger.kept)
    sizes = [len(Tokenizer(one.json).encode(TEXTS[0])) for one in cuts]
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_the_goal_is_reached(kind: str, coverage: float) -> None:
    pieces = read_pieces(trained(kind))
    candidates = {n for n in by_script(pieces, Alphabet()) if "unused" not in pieces.tokens[n]}
    worth = expected(pieces, candidates, TEXTS)
    kept = chosen(pieces, candidates, TEXTS, coverage)
    assert sum(worth.values()) == pytest.approx(1)
    covered = sum(worth[number] for number in kept)
    assert covered >= coverage


@pytest.mark.parametrize("kind", KINDS)
def test_words_of_the_texts_stay_whole(kind: str) -> None:
    words = "제습기 물통을 비우세요. The dehumidifier is full. " * 2000
    plain, learnt = cut(kind, 0.9, TEXTS), cut(kind, 0.9, [words])

    def pieces(made: Cut) -> int:
        return len(Tokenizer(made.json).encode(words))

    assert pieces(learnt) == len(Tokenizer(trained(kind)).encode(words)) <= pieces(plain)


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_two_digits_stay_whole(kind: str) -> None:
    whole, small = Tokenizer(trained(kind)), Tokenizer(cut(kind, 0.5, TEXTS).json)
    numbers = {text for text in whole.vocabulary if re.fullmatch(r"[▁Ġ]?\d\d", text)}
    assert len(numbers) > 10 and numbers <= set(small.vocabulary)


def test_a_coverage_that_cannot_be_meant() -> None:
    for coverage in (0.0, -1.0, 1.01, float("nan")):
        with pytest.raises(OptionError, match="coverage"):
            Options(vocabulary="ko-en-compact", coverage=coverage)
