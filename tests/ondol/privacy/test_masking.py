"""Masks: what is taken out, who can put it back, and that the key shows nothing."""

import copy
import json
import pickle
import unicodedata
from dataclasses import asdict
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ondol.privacy import mask

TEXT = "김서연: 010-0132-4578. 김서연 씨의 다른 번호는 010-0845-2231."


@pytest.fixture(autouse=True)
def korean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")


def test_the_same_data_get_the_same_token() -> None:
    masked = mask(TEXT)
    assert masked.text == "[이름 1]: [전화번호 1]. [이름 1] 씨의 다른 번호는 [전화번호 2]."
    assert [TEXT[each.start : each.end] for each in masked.found] == [
        "김서연", "010-0132-4578", "김서연", "010-0845-2231",
    ]  # fmt: skip
    assert masked.key.restore(masked.text) == TEXT


def test_the_key_restores_an_answer_to_the_masked_text() -> None:
    key = mask(TEXT).key
    assert key.restore("[이름 1] 님께 [전화번호 2]로 전화하세요.") == (
        "김서연 님께 010-0845-2231로 전화하세요."
    )
    assert key.restore("[이름 7] [계좌번호 1]") == "[이름 7] [계좌번호 1]"


def test_another_key_restores_nothing_of_it() -> None:
    masked, other = mask(TEXT), mask("박도현 씨 010-0333-1212")
    assert "김서연" not in other.key.restore(masked.text)


def test_nothing_but_restoring_shows_what_a_key_holds() -> None:
    masked = mask(TEXT)
    shown = [repr(masked), str(masked.key), f"{masked}", repr(vars(type(masked.key)))]
    assert "Key" in repr(masked.key)
    for secret in ("김서연", "010-0132-4578"):
        assert all(secret not in text for text in shown)
    with pytest.raises(TypeError):
        pickle.dumps(masked.key)
    with pytest.raises(TypeError):
        copy.deepcopy(masked.key)
    with pytest.raises(TypeError):
        json.dumps(asdict(masked))


def test_tokens_that_a_text_already_has_stay_its_own() -> None:
    text = "[이름 1]과 [이름 2] 다음은 김서연 씨"
    masked = mask(text)
    assert masked.text == "[이름 1]과 [이름 2] 다음은 [이름 3] 씨"
    assert masked.key.restore(masked.text) == text


def test_english_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "en")
    masked = mask(TEXT)
    assert masked.text.startswith("[name 1]: [phone 1].")
    monkeypatch.setenv("ONDOL_LANG", "ko")
    assert masked.key.restore(masked.text) == TEXT


PIECES = st.sampled_from(
    [
        "김서연",
        " 씨 ",
        "010-0132-4578",
        "[이름 1]",
        "[이름 ",
        "1]",
        "a@example.com",
        "가",
        "\n",
        "，",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=12), st.sampled_from(["NFC", "NFD"]))
def test_any_text_comes_back_whole(pieces: list[str], form: Literal["NFC", "NFD"]) -> None:
    text = "".join(unicodedata.normalize(form, piece) for piece in pieces)
    masked = mask(text)
    assert masked.key.restore(masked.text) == text


def test_what_is_masked_is_gone() -> None:
    masked = mask(TEXT)
    assert all(TEXT[each.start : each.end] not in masked.text for each in masked.found)
