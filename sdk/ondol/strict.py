"""Strangers' JSON into dataclasses: every field there and of its declared kind, and no other."""

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

MOST = 1 << 62

Made = TypeVar("Made")

_SURROGATES = re.compile("[\ud800-\udfff]")


def load(text: bytes, most: int) -> Any:
    """What JSON of at most `most` bytes says.

    Raises:
        ValueError: if it is longer, not UTF-8, not JSON, or has a key twice.
    """
    if len(text) > most:
        raise ValueError(f"{len(text)} > {most} bytes")
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as exc:
        raise ValueError(f"JSON: {exc}") from exc


def build(kind: type[Made], data: Any, at: str, least: float = 0.0) -> Made:
    """A dataclass from parsed JSON, every field of its declared type and no other field.

    Args:
        kind: fields are numbers, strings, dataclasses, tuples of one kind, unions of these.
        data: what `load` gave.
        at: where this is, for the message.
        least: the least a float may be; whole numbers are never below 0.

    Raises:
        ValueError: naming the first place that does not hold.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{at}: object expected")
    hints = get_type_hints(kind)
    names = [f.name for f in fields(kind)]  # type: ignore[arg-type]
    wrong = set(names) ^ set(data)
    if wrong:
        raise ValueError(f"{at}: {', '.join(sorted(map(str, wrong)))[:200]}")
    return kind(**{n: _value(hints[n], data[n], f"{at}.{n}", least) for n in names})


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def _value(hint: Any, value: Any, at: str, least: float) -> Any:
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise ValueError(f"{at}: list expected")
        inner = get_args(hint)[0]
        return tuple(_value(inner, v, f"{at}[{i}]", least) for i, v in enumerate(value))
    if isinstance(hint, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        if value is None and len(kinds) < len(get_args(hint)):
            return None
        return _value(_nearest(kinds, value), value, at, least)
    if isinstance(hint, type) and is_dataclass(hint):
        return build(hint, value, at, least)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value) if abs(value) < MOST else MOST
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise ValueError(f"{at}: {hint.__name__} expected")
    if isinstance(value, int | float) and not isinstance(value, bool):
        low = least if isinstance(value, float) else 0
        if not low <= value < MOST:
            raise ValueError(f"{at}: out of range")
    if isinstance(value, str) and not value.isascii() and _SURROGATES.search(value):
        raise ValueError(f"{at}: not Unicode text")
    return value


def _nearest(kinds: list[Any], value: Any) -> Any:
    """Of several kinds the one whose field names are most like those there."""
    if len(kinds) == 1 or not isinstance(value, Mapping):
        return kinds[0]
    return min(kinds, key=lambda kind: len({f.name for f in fields(kind)} ^ set(value)))
