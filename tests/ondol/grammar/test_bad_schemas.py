"""Schemas, types and grammars that cannot be kept to are refused before anything runs."""

from dataclasses import dataclass
from typing import Any

import pytest

from ondol.errors import BadGrammar, BadPrompt, OndolError
from ondol.grammar import Choices, Json, Lark, Regex
from ondol.tokenizer import Tokenizer
from tokenizer_kinds import kinds

CYCLE: dict[str, Any] = {"type": "array"}
CYCLE["items"] = CYCLE


def deep(levels: int) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "null"}
    for _ in range(levels):
        made = {"type": "array", "items": made}
    return made


def chain(length: int) -> dict[str, Any]:
    named = {f"n{i}": {"$ref": f"#/$defs/n{i + 1}"} for i in range(length)}
    return {"$defs": named | {f"n{length}": {"type": "null"}}, "$ref": "#/$defs/n0"}


ENDLESS = {
    "$defs": {"마디": {"type": "object", "properties": {"다음": {"$ref": "#/$defs/마디"}}}},
    "$ref": "#/$defs/마디",
}
ENDLESS["$defs"]["마디"]["required"] = ["다음"]  # type: ignore[index]

BAD: dict[str, Any] = {
    "no options": {"enum": []},
    "no choice": {"anyOf": []},
    "bounds crossed": {"type": "integer", "minimum": 3, "maximum": 2},
    "lengths crossed": {"type": "string", "minLength": 3, "maxLength": 2},
    "pattern and length": {"type": "string", "pattern": "^[가-힣]{5}$", "maxLength": 3},
    "forbidden but required": {"type": "object", "properties": {"a": False}, "required": ["a"]},
    "only a decomposed syllable": {"type": "string", "pattern": "^[\u1100-\u1112]+$"},
    "required beside no others": {
        "type": "object",
        "properties": {"a": {}},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    "allOf of two types": {"allOf": [{"type": "string"}, {"type": "integer"}]},
    "endless": ENDLESS,
    "endless by itself": {"type": "array", "items": {"$ref": "#"}, "minItems": 1},
    "itself": {"$ref": "#"},
    "nowhere": {"$ref": "#/$defs/없음"},
    "elsewhere": {"$ref": "https://example.com/schema.json"},
    "a file": {"$ref": "file:///etc/passwd"},
    "no reference": {"$ref": 3},
    "too deep": deep(200),
    "a cycle": CYCLE,
    "a long chain": chain(500),
    "too wide": {"type": "object", "properties": {f"k{i}": {} for i in range(30_000)}},
    "too many options": {"enum": list(range(30_000))},
    "too long an instance": {"type": "array", "items": {"type": "null"}, "minItems": 10**6},
    "too long a text": {"type": "string", "minLength": 10**9},
    "unknown type": {"type": "strin"},
    "type of a wrong type": {"type": 5},
    "properties of a wrong type": {"type": "object", "properties": [1]},
    "a property that is no schema": {"type": "object", "properties": {"a": 3}},
    "anyOf that is no list": {"anyOf": {"type": "null"}},
    "a bound of text": {"type": "integer", "minimum": "많이"},
    "a broken pattern": {"type": "string", "pattern": "("},
    "look-ahead": {"type": "string", "pattern": "(?=가)나"},
    "unknown format": {"type": "string", "format": "주소"},
    "not": {"not": {"type": "string"}},
    "one of two that overlap": {"oneOf": [{"type": "number"}, {"type": "integer"}]},
    "one of two of one kind": {
        "oneOf": [
            {"type": "object", "properties": {"k": {"const": "a"}}, "required": ["k"]},
            {"type": "object", "properties": {"k": {"enum": ["b", "a"]}}, "required": ["k"]},
        ]
    },
    "unique items": {"type": "array", "uniqueItems": True},
    "names counted": {"type": "object", "minProperties": 3},
    "a set": {"enum": {1, 2}},
    "not a number": {"const": float("nan")},
    "keys that are no text": {"type": "object", "properties": {1: {}}},
    "half a surrogate": {"const": "\ud800"},
    "keys that become one": {
        "type": "object",
        "properties": {"\uac00": {}, "\u1100\u1161": {}},
    },
}


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(kinds()["small-level"], eos=[1])


@pytest.mark.parametrize("name", BAD)
def test_a_schema_without_a_reply_is_named(name: str, tokenizer: Tokenizer) -> None:
    with pytest.raises(BadGrammar) as refused:
        Json(BAD[name]).over(tokenizer)
    assert refused.value.what and refused.value.why and refused.value.fix
    assert "backtrace" not in str(refused.value) and len(str(refused.value)) < 700


@pytest.mark.parametrize("kind", [set, object, dict[int, str], complex, "str", 3, [int]])
def test_a_type_that_is_no_json_is_named(kind: Any) -> None:
    with pytest.raises(BadGrammar):
        Json(kind)


@dataclass
class Endless:
    following: "Endless"


def test_a_dataclass_without_end_is_named() -> None:
    with pytest.raises(BadGrammar, match="no instance"):
        Json(Endless)


@pytest.mark.parametrize("texts", [[], "긍정", [""], ["x" * 200_001], [3], [None]])
def test_choices_that_are_none_are_named(texts: Any) -> None:
    with pytest.raises(BadGrammar):
        Choices(texts)


@pytest.mark.parametrize(
    "pattern", ["", "(", "(?=a)b", r"(a)\1", "a" * 200_001, None, 3, "[^\\s\\S]"]
)
def test_a_regex_that_is_none_is_named(pattern: Any, tokenizer: Tokenizer) -> None:
    with pytest.raises(BadGrammar):
        Regex(pattern).over(tokenizer)


@pytest.mark.parametrize("grammar", ["", "가", "start: x", "x: /a/", "start: /(/", None])
def test_a_grammar_that_is_none_is_named(grammar: Any, tokenizer: Tokenizer) -> None:
    with pytest.raises(BadGrammar):
        Lark(grammar).over(tokenizer)


def test_half_a_surrogate_is_no_text() -> None:
    for make in (Regex, Lark, lambda text: Choices([text])):
        with pytest.raises(BadPrompt):
            make("\ud800")


def test_hostile_patterns_end(tokenizer: Tokenizer) -> None:
    for pattern in ("(a{1,1000}){1,1000}", "((a|b)*c){900}", "(x+x+)+y", "a{1000000000}"):
        try:
            Regex(pattern).over(tokenizer)
        except OndolError as refused:
            assert isinstance(refused, BadGrammar)
