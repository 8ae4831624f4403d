"""Rules over every kind of tokenizer: random logits can write nothing that breaks them."""

import json
import re
import unicodedata
from collections.abc import Callable
from functools import cache

import jsonschema
import numpy as np
import pytest

from ondol.constraint import Rule
from ondol.grammar import Choices, Json, Lark, Regex
from ondol.grammar.guided import Guided
from ondol.stream import TextStream
from ondol.tokenizer import Tokenizer
from ondol_converters.recipe import Options
from ondol_converters.texts import load
from ondol_converters.vocabulary import cut_tokenizer
from tokenizer_kinds import kinds
from vocabulary_maker import trained

SCHEMA = {
    "type": "object",
    "properties": {
        "이름": {"type": "string", "minLength": 2, "maxLength": 4},
        "나이": {"type": "integer", "minimum": 0, "maximum": 150},
        "태그": {"type": "array", "items": {"enum": ["가족", "친구"]}, "maxItems": 2},
    },
    "required": ["이름", "나이"],
}
CHOICES = ("긍정", "부정", "중립", "긍정적", "한국", "한국어")
REGEX = "[가-힣]{2,3} ?([0-9]{1,2}/[0-9]{2}|뷁+)"


def json_holds(text: str) -> bool:
    jsonschema.validate(json.loads(text), SCHEMA)
    return True


RULES: dict[str, tuple[Rule, Callable[[str], object]]] = {
    "json": (Json(SCHEMA), json_holds),
    "choices": (Choices(CHOICES), CHOICES.__contains__),
    "regex": (Regex(REGEX), re.compile(REGEX).fullmatch),
    "lark": (
        Lark('start: "답: " item ("," item)*\nitem: /[1-9]/ | "쀍"'),
        re.compile("답: ([1-9]|쀍)(,([1-9]|쀍))*").fullmatch,
    ),
}
SPELLING = (
    *("small-pieces", "small-pieces-in-front", "level", "pieces", "level-space", "level-nfc"),
    *("pieces-gemma", "pieces-nfkc", "pieces-added", "level-added", "pattern-numbers-whole"),
)


@cache
def tokenizer(kind: str) -> Tokenizer:
    """A tokenizer by its kind, its last token ending replies."""
    return Tokenizer(text := source(kind), eos=[Tokenizer(text).size - 1])


def source(kind: str) -> str:
    name, _, cut = kind.partition(", ")
    found = kinds().get(name) or trained(name)
    if cut:
        texts = [text.text for text in load().texts]
        return cut_tokenizer(found, Options(vocabulary="ko-en-compact"), texts).json
    return found


def write(rule: Rule, by: Tokenizer, seed: int, most: int = 150) -> tuple[str, str]:
    """Why it ended, and the text, where logits are drawn at random."""
    random = np.random.default_rng(seed)
    held_to, stream = rule.over(by), TextStream(by)
    text = ""
    for _ in range(most):
        logits = random.normal(size=by.size + 5).astype(np.float32)
        held_to.mask(logits)
        if logits.max() == -np.inf:
            assert isinstance(held_to, Guided) and held_to.trouble
            return "stuck", text
        token = int(logits.argmax())
        held_to.accept(token)
        if token in by.eos:
            return "end", text + stream.finish()
        assert token < by.size
        text += stream.push(token)
        if held_to.finished:
            return "complete", text + stream.finish()
    return "cut", text


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("kind", [*SPELLING, "bytelevel, cut", "sentencepiece, cut"])
def test_what_is_whole_keeps_the_rule(kind: str, name: str) -> None:
    rule, holds = RULES[name]
    ends = set()
    for seed in range(6):
        end, text = write(rule, tokenizer(kind), seed)
        ends.add(end)
        assert "\ufffd" not in text and unicodedata.is_normalized("NFC", text)
        if end != "cut":
            assert holds(text), text
    assert ends <= {"end", "complete", "cut"} and ends & {"end", "complete"}


@pytest.mark.parametrize("kind", ["unigram", "unigram, cut", "wordpiece", "pieces-unknown"])
@pytest.mark.parametrize("name", ["json", "choices"])
def test_a_vocabulary_that_lacks_a_syllable_says_so(kind: str, name: str) -> None:
    rule, holds = RULES[name]
    for seed in range(6):
        end, text = write(rule, tokenizer(kind), seed)
        assert end in ("stuck", "cut") or holds(text)


def test_a_unigram_writes_what_it_can_spell() -> None:
    by = tokenizer("unigram")
    form = {"type": "object", "properties": {"법": {"enum": ["국민", "국가"]}}, "required": ["법"]}
    ends = [write(Json(form), by, seed) for seed in range(6)]
    assert {text for _, text in ends} == {'{"법": "국민"}', '{"법": "국가"}'}
    assert by.strips_space


def test_definitions_that_are_parts_of_one_object_leave_room() -> None:
    parts = {
        name: {"type": "object", "properties": {name: {"type": "null"}}, "required": [name]}
        for name in ("앞", "뒤")
    }
    form = {"allOf": [{"$ref": f"#/$defs/{name}"} for name in parts], "$defs": parts}
    for seed in range(20):
        end, text = write(Json(form), tokenizer("small-level"), seed)
        assert end == "cut" or jsonschema.validate(json.loads(text), form) is None


def test_choices_are_all_reached() -> None:
    found = {write(Choices(CHOICES), tokenizer("small-level"), seed)[1] for seed in range(60)}
    assert found == set(CHOICES)


def test_special_tokens_are_never_text() -> None:
    by = tokenizer("small-level")
    held_to = Regex("<\\|im_start\\|>|<tool_call>").over(by)
    logits = np.zeros(by.size, np.float32)
    held_to.mask(logits)
    allowed = np.flatnonzero(logits == 0)
    assert all(by.token_bytes(int(token)).startswith(b"<") for token in allowed)
    assert by.special_tokens["<|im_start|>"] not in allowed


def test_decomposed_input_means_composed_text() -> None:
    name, choice = (unicodedata.normalize("NFD", text) for text in ("이름", "긍정"))
    by = tokenizer("small-level")
    form = {"type": "object", "properties": {name: {"const": choice}}, "required": [name]}
    assert write(Json(form), by, 1)[1] == '{"이름": "긍정"}'
    assert write(Choices([choice]), by, 1)[1] == "긍정"
    assert write(Regex(name), by, 1)[1] == "이름"


@pytest.mark.parametrize(
    "text", ["\u1112\u1161\u11ab", "e\u0301", "\u212b", "\uf900", "\u0915\u094d"]
)
def test_what_nfc_would_change_cannot_be_written(text: str) -> None:
    by = tokenizer("small-level")
    held_to = Regex(".*").over(by)
    for byte in text.encode():
        logits = np.zeros(by.size, np.float32)
        held_to.mask(logits)
        token = next(t for t in range(by.size) if by.token_bytes(t) == bytes([byte]))
        if logits[token] != 0:
            return
        held_to.accept(token)
    pytest.fail(f"{text!a} was allowed")


def test_the_vocabulary_is_built_once_for_each_tokenizer() -> None:
    from ondol.grammar.vocabulary import vocabulary

    assert vocabulary(tokenizer("level")) is vocabulary(tokenizer("level"))
    assert vocabulary(tokenizer("level")) is not vocabulary(tokenizer("pieces"))
