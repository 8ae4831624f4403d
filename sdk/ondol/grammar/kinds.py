"""Python types as JSON Schemas, and JSON as instances of them.

Dataclasses, pydantic models, and what their fields may be: str, int, float, bool, None, date,
Literal, Enum, list, tuple, dict with str keys, unions, `Annotated[X, "description"]`.
"""

import dataclasses
from collections.abc import Mapping
from datetime import date
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from ondol.grammar.vocabulary import bad_grammar
from ondol.language import say

Schema = Mapping[str, Any] | type[Any] | UnionType
"""A JSON Schema, or a type as above."""

PLAIN: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    None: {"type": "null"},
    NoneType: {"type": "null"},
    date: {"type": "string", "format": "date", "pattern": "^[1-9]"},  # Python has no year 0
    Any: {},
}


def schema_of(kind: Any) -> dict[str, Any]:
    """The JSON Schema of a type; of a schema, a copy of its top level.

    Raises:
        BadGrammar: if the type cannot be written as one.
    """
    if isinstance(kind, Mapping):
        return dict(kind)
    if is_pydantic(kind):
        try:
            return dict(kind.model_json_schema())
        except Exception as exc:  # a model of somebody else's may fail in any way
            raise bad_grammar(f"{type(exc).__name__}: {exc}"[:400]) from exc
    writer = Writer()
    made = writer.of(kind)
    return {**made, "$defs": writer.named} if writer.named else made


def is_pydantic(kind: Any) -> bool:
    """Whether a type is a pydantic model, told by what it can do: pydantic is not imported."""
    return isinstance(kind, type) and hasattr(kind, "model_json_schema")


class Writer:
    """Writes types as schemas; dataclasses go to `named`, so that they may hold themselves."""

    def __init__(self) -> None:
        self.named: dict[str, dict[str, Any]] = {}
        self._names: dict[type, str] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        """A type's schema; references in it are to `named`.

        Raises:
            BadGrammar: if it cannot be written as one.
        """
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            return self._dataclass(kind)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        if is_pydantic(kind):
            raise _unknown(kind)
        outer, inner = get_origin(kind), get_args(kind)
        if outer is Annotated:
            texts = [text for text in inner[1:] if isinstance(text, str)]
            return self.of(inner[0]) | ({"description": texts[0]} if texts else {})
        if outer is Literal:
            return {"enum": list(inner)}
        if outer in (Union, UnionType):
            return {"anyOf": [self.of(one) for one in inner]}
        if outer is dict and inner[0] is str:
            return {"type": "object", "additionalProperties": self.of(inner[1])}
        if outer is list or (outer is tuple and inner[1:] == (...,)):
            return {"type": "array", "items": self.of(inner[0])}
        if outer is tuple:
            each = [self.of(one) for one in inner]
            return {"type": "array", "prefixItems": each, "items": False, "minItems": len(each)}
        try:
            return dict(PLAIN[kind])
        except (KeyError, TypeError):
            raise _unknown(kind) from None

    def _dataclass(self, kind: type) -> dict[str, Any]:
        if kind not in self._names:
            taken = sum(one.__name__ == kind.__name__ for one in self._names)
            self._names[kind] = name = f"{kind.__name__}{taken or ''}"
            self.named[name] = {}
            self.named[name] = self._fields(kind)
        return {"$ref": f"#/$defs/{self._names[kind]}"}

    def _fields(self, kind: type) -> dict[str, Any]:
        try:
            hints = get_type_hints(kind, include_extras=True)
        except (NameError, TypeError) as exc:
            raise bad_grammar(str(exc)) from exc
        named: dict[str, Any] = {}
        needed: list[str] = []
        for field in dataclasses.fields(kind):
            if not field.init:
                continue
            named[field.name] = self.of(hints[field.name])
            said = field.metadata.get("description")
            if isinstance(said, str):
                named[field.name] = named[field.name] | {"description": said}
            missing = dataclasses.MISSING
            if field.default is missing and field.default_factory is missing:
                needed.append(field.name)
        made = {"type": "object", "properties": named, "required": needed}
        return made | {"additionalProperties": False}


def _unknown(kind: Any) -> Exception:
    return bad_grammar(
        say(f"{kind!r:.80} cannot be written as JSON.", f"JSON으로 쓸 수 없는 타입: {kind!r:.80}")
    )


def instance(kind: Any, data: Any, at: str = "") -> Any:
    """An instance of a type from JSON, every part checked.

    Args:
        kind: a type that `schema_of` takes, no pydantic model.
        data: parsed JSON.
        at: where this is, for the message.

    Raises:
        ValueError: naming the place that does not fit.
    """
    outer, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return data
    if outer is Annotated:
        return instance(inner[0], data, at)
    if outer in (Union, UnionType):
        return _first(inner, data, at)
    if outer is Literal:
        return _same(inner, data, at)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(_same([member.value for member in kind], data, at))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _object(kind, data, at)
    if outer is dict and isinstance(data, dict):
        return {key: instance(inner[1], one, f"{at}.{key}") for key, one in data.items()}
    if outer in (list, tuple) and isinstance(data, list):
        return _sequence(outer, inner, data, at)
    if kind is date and isinstance(data, str):
        return date.fromisoformat(data)
    if kind in (None, NoneType) and data is None:
        return None
    if kind is float and isinstance(data, int | float) and not isinstance(data, bool):
        return float(data)
    if kind in (str, int, bool) and type(data) is kind:
        return data
    raise ValueError(f"{at or '.'}: {kind!r:.60}")


def _same(allowed: Any, data: Any, at: str) -> Any:
    for one in allowed:
        if type(one) is type(data) and one == data:
            return one
    raise ValueError(f"{at or '.'}: {data!r:.60}")


def _first(kinds: tuple[Any, ...], data: Any, at: str) -> Any:
    for kind in kinds:
        try:
            return instance(kind, data, at)
        except ValueError:
            continue
    raise ValueError(f"{at or '.'}: {data!r:.60}")


def _sequence(outer: Any, inner: tuple[Any, ...], data: list[Any], at: str) -> Any:
    if outer is list or inner[1:] == (...,):
        return outer(instance(inner[0], one, f"{at}[{i}]") for i, one in enumerate(data))
    if len(inner) != len(data):
        raise ValueError(f"{at or '.'}: {len(data)} ≠ {len(inner)}")
    return tuple(
        instance(kind, one, f"{at}[{i}]")
        for i, (kind, one) in enumerate(zip(inner, data, strict=True))
    )


def _object(kind: type, data: Any, at: str) -> Any:
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    if not isinstance(data, dict) or data.keys() - fields.keys():
        raise ValueError(f"{at or '.'}: {kind.__name__}")
    hints = get_type_hints(kind, include_extras=True)
    made = {name: instance(hints[name], one, f"{at}.{name}") for name, one in data.items()}
    try:
        return kind(**made)
    except TypeError as exc:
        raise ValueError(f"{at or '.'}: {exc}") from exc
