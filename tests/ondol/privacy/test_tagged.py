"""Names by a model that tags them: a tiny encoder that says 안녕 is a person."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from encoder_bundles import labeller
from ondol.encoder import Encoder
from ondol.errors import WrongKind
from ondol.privacy import find, mask, tagged


@pytest.fixture
def encoder(tmp_path: Path) -> Iterator[Encoder]:
    bundle = labeller(
        tmp_path / "t", "tag", ("O", "B-LC", "I-LC", "B-PS"), {"▁안녕": 3, "▁서울": 1}
    )
    with Encoder.open(bundle, threads=1) as opened:
        yield opened


def test_a_models_names_join_the_rules(encoder: Encoder) -> None:
    text = "안녕 010-0132-4578\n서울\n\n안녕"
    assert [each.kind for each in find(text)] == ["phone"]
    found = find(text, also=[tagged(encoder)])
    assert [(each.kind, text[each.start : each.end]) for each in found] == [
        ("name", "안녕"), ("phone", "010-0132-4578"), ("name", "안녕"),
    ]  # fmt: skip
    masked = mask(text, also=[tagged(encoder)])
    assert "안녕" not in masked.text and masked.key.restore(masked.text) == text
    assert len(find(text, also=[tagged(encoder, {"LC": "address"})])) == 2


@pytest.mark.parametrize(
    "text", [unicodedata.normalize("NFD", "각 안녕"), "\u200b안\u200b녕", "가" * 500 + " 안녕"]
)
def test_places_are_those_of_the_text_given(encoder: Encoder, text: str) -> None:
    (found,) = find(text, also=[tagged(encoder, characters=30)])
    seen = unicodedata.normalize("NFC", text[found.start : found.end])
    assert seen.replace("\u200b", "") == "안녕"


def test_nothing_to_read_and_a_model_that_does_not_tag(encoder: Encoder, tmp_path: Path) -> None:
    assert find("", also=[tagged(encoder)]) == find(" \n", also=[tagged(encoder)]) == ()
    bundle = labeller(tmp_path / "c", "classify", ("a", "b"), {})
    with Encoder.open(bundle, threads=1) as other, pytest.raises(WrongKind):
        find("안녕", also=[tagged(other)])
