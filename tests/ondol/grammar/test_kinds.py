"""Types as schemas and JSON as instances: what one says the other takes."""

import json
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import jsonschema
import pytest

from ondol.errors import InvalidData
from ondol.grammar.extraction import parsed
from ondol.grammar.kinds import instance, schema_of


class Mood(Enum):
    GOOD = "좋음"
    BAD = "나쁨"


@dataclass(frozen=True)
class Item:
    name: Annotated[str, "품목 이름"]
    price: int
    count: int = 1


@dataclass
class Receipt:
    shop: str = field(metadata={"description": "가게 이름"})
    items: list[Item]
    day: date
    mood: Mood = Mood.GOOD
    kind: Literal["현금", "카드"] | None = None
    corners: tuple[float, float] = (0.0, 0.0)
    more: dict[str, int] = field(default_factory=dict)
    made: bool = field(default=True, init=False)


@dataclass
class Tree:
    name: str
    children: "list[Tree]" = field(default_factory=list)


def test_a_dataclass_is_a_schema() -> None:
    made = schema_of(Receipt)
    assert made["$ref"] == "#/$defs/Receipt"
    form = made["$defs"]["Receipt"]
    assert form["required"] == ["shop", "items", "day"]
    assert form["properties"]["shop"] == {"type": "string", "description": "가게 이름"}
    assert form["properties"]["items"] == {"type": "array", "items": {"$ref": "#/$defs/Item"}}
    assert made["$defs"]["Item"]["properties"]["name"]["description"] == "품목 이름"
    assert "made" not in form["properties"]
    jsonschema.Draft202012Validator.check_schema(made)


DATA: dict[str, Any] = {
    "shop": "온돌상회",
    "items": [{"name": "귤", "price": 3000}],
    "day": "2026-11-25",
    "mood": "나쁨",
    "kind": "카드",
    "corners": [1, 2.5],
    "more": {"봉투": 1},
}


def test_json_is_an_instance() -> None:
    made = parsed(json.dumps(DATA), Receipt)
    day = date(2026, 11, 25)
    items = [Item("귤", 3000)]
    assert made == Receipt("온돌상회", items, day, Mood.BAD, "카드", (1.0, 2.5), {"봉투": 1})
    jsonschema.validate(DATA, schema_of(Receipt))


def test_a_type_may_hold_itself() -> None:
    text = '{"name": "뿌리", "children": [{"name": "잎", "children": []}]}'
    assert parsed(text, Tree) == Tree("뿌리", [Tree("잎")])


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, 3, 3),
        (float, 3, 3.0),
        (bool, True, True),
        (None, None, None),
        (int | None, None, None),
        (list[int | str], [1, "가"], [1, "가"]),
        (tuple[int, ...], [1, 2], (1, 2)),
        (dict[str, list[bool]], {"가": [True]}, {"가": [True]}),
        (Literal[1, "1"], "1", "1"),
        (Mood, "좋음", Mood.GOOD),
        (Any, {"a": [None]}, {"a": [None]}),
    ],
)
def test_plain_types(kind: Any, value: Any, expected: Any) -> None:
    jsonschema.validate(value, schema_of(kind))
    assert instance(kind, value) == expected
    assert type(instance(kind, value)) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (int, True),
        (int, 1.0),
        (bool, 1),
        (float, "1"),
        (float, True),
        (str, None),
        (Literal[1], True),
        (Mood, "GOOD"),
        (tuple[int, int], [1]),
        (list[int], {"a": 1}),
        (dict[str, int], {"a": "b"}),
        (date, "2026-02-30"),
        (Item, {"name": "귤"}),
        (Item, {"name": "귤", "price": 1, "색": "주황"}),
        (Item, [1]),
        (int | None, "x"),
    ],
)
def test_what_does_not_fit_is_named(kind: Any, value: Any) -> None:
    with pytest.raises(ValueError):
        instance(kind, value)
    with pytest.raises(InvalidData) as refused:
        parsed(json.dumps(value), kind)
    assert refused.value.text == json.dumps(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a": 1, "a": 2}',
        '{"\\u1100\\u1161": 1, "\\uac00": 2}',
        "1e999",
        "9" * 5000,
        "[" * 5000 + "]" * 5000,
        "NaN",
    ],
)
def test_text_that_is_no_data_is_named(text: str) -> None:
    with pytest.raises(InvalidData):
        parsed(text, {})


def test_strings_and_names_come_out_composed() -> None:
    assert parsed('{"\\u1112\\u1161\\u11ab": ["\\u1100\\u1173\\u11af"]}', {}) == {"한": ["글"]}
