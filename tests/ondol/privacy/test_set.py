"""The labelled sentences: enough of them, as described, and how much of their data is found."""

import unicodedata

import pytest

from ondol.privacy import KINDS, find
from ondol.privacy.business import checks as business_checks
from ondol.privacy.resident import checks
from privacy_set import HALVES, Score, ours, parsed, scored, sentences

PRECISION, RECALL = 0.8, 0.8
"""What every kind has to reach in both halves; benchmarks/privacy.py prints what it does."""


@pytest.mark.parametrize("half", HALVES)
def test_every_kind_is_found(half: str) -> None:
    scores = scored(lambda text: ours(find(text)), half)
    low = {
        kind: (score.precision, score.recall)
        for kind, score in scores.items()
        if score.precision < PRECISION or score.recall < RECALL
    }
    assert low == {}
    whole = Score()
    for score in scores.values():
        whole.add(score)
    assert whole.precision >= 0.97 and whole.recall >= 0.9


def test_there_are_enough_sentences_of_every_kind() -> None:
    halves = {half: list(sentences(half)) for half in HALVES}
    texts = [sentence.text for half in halves.values() for sentence in half]
    assert len(set(texts)) == len(texts) >= 500
    for half in halves.values():
        kinds = [kind for sentence in half for kind, _, _ in sentence.spans]
        assert all(kinds.count(kind) >= 4 for kind in KINDS)
        assert sum(not sentence.spans for sentence in half) >= 100  # look-alikes


@pytest.mark.parametrize("half", HALVES)
def test_the_data_are_nobodys(half: str) -> None:
    for sentence in sentences(half):
        for kind, start, end in sentence.spans:
            digits = "".join(filter(str.isdecimal, sentence.text[start:end]))
            if kind in ("resident-number", "foreigner-number") and checks(digits):
                assert digits[7:9] >= "96"
            if kind == "business-number" and business_checks(digits):
                assert digits[:3] <= "100"
            if kind == "email":
                assert "example" in unicodedata.normalize("NFKC", sentence.text[start:end])


def test_a_line_is_read_as_its_readme_says() -> None:
    sentence = parsed("{name:김서연} 씨\\u200b {phone:010}")
    assert sentence.text == "김서연 씨\u200b 010"
    assert sentence.spans == (("name", 0, 3), ("phone", 7, 10))
    assert len(parsed("@nfd {name:김}").text) == 3
