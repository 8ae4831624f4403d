"""Whether JSON fits a schema: the part of JSON Schema that our own requests are written in.

One table is both what `/openapi.json` tells clients and what requests are held to.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ondol.server.problems import Problem, invalid

Json = Any
_SURROGATES = re.compile("[\ud800-\udfff]")
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
}


def parsed(body: bytes) -> Json:
    """What a request's body says; texts come in NFC.

    Raises:
        Problem: if it is not UTF-8, not JSON, nested too deeply, or holds no Unicode text.
    """
    try:
        data = json.loads(body.decode("utf-8"), parse_constant=_refuse)
        return _clean(data)
    except (ValueError, RecursionError) as exc:
        why = type(exc).__name__ if isinstance(exc, RecursionError) else str(exc)[:200]
        raise invalid(None, f"JSON: {why}", "invalid_json") from exc


def check(data: Json, schema: Mapping[str, Any], at: str = "") -> None:
    """Refuse JSON that does not fit.

    Raises:
        Problem: naming the first place that does not.
    """
    options = schema.get("anyOf")
    if options is not None:
        _check_any(data, options, at)
        return
    wanted = schema.get("type")
    kinds = [wanted] if isinstance(wanted, str) else wanted
    if kinds is not None and not any(_is(data, kind) for kind in kinds):
        raise invalid(at or None, f"{' | '.join(kinds)} ≠ {_name(data)}", "invalid_type")
    if "enum" in schema and not any(_same(data, one) for one in schema["enum"]):
        listed = ", ".join(json.dumps(one) for one in schema["enum"])
        raise invalid(at or None, listed)
    if isinstance(data, str):
        _check_size(len(data), schema, "Length", at)
        if "pattern" in schema and not re.search(schema["pattern"], data):
            raise invalid(at or None, schema["pattern"])
    elif isinstance(data, list):
        _check_size(len(data), schema, "Items", at)
        for number, one in enumerate(data):
            check(one, schema.get("items", {}), f"{at}[{number}]")
    elif isinstance(data, dict):
        _check_object(data, schema, at)
    elif isinstance(data, int | float) and not isinstance(data, bool):
        low, high = schema.get("minimum"), schema.get("maximum")
        if (low is not None and data < low) or (high is not None and data > high):
            raise invalid(at or None, f"{low} … {high}")


def _check_object(data: dict[str, Json], schema: Mapping[str, Any], at: str) -> None:
    known = schema.get("properties", {})
    inside = f"{at}." if at else ""
    for name, one in data.items():
        if name in known:
            check(one, known[name], f"{inside}{name}")
        elif schema.get("additionalProperties") is False:
            raise invalid(f"{inside}{name:.80}", "unknown", "unknown_parameter")
    for name in schema.get("required", ()):
        if name not in data:
            raise invalid(f"{inside}{name}", "required", "missing_required_parameter")


def _check_any(data: Json, options: list[Mapping[str, Any]], at: str) -> None:
    """One of several must hold; of the complaints the one from deepest inside is told."""
    complaints: list[Problem] = []
    for option in options:
        try:
            check(data, option, at)
        except Problem as exc:
            complaints.append(exc)
        else:
            return
    raise max(complaints, key=lambda one: len(one.param or ""))


def _check_size(size: int, schema: Mapping[str, Any], what: str, at: str) -> None:
    low, high = schema.get(f"min{what}", 0), schema.get(f"max{what}")
    if size < low or (high is not None and size > high):
        raise invalid(at or None, f"{low} ≤ {size} ≤ {high}")


def _is(data: Json, kind: str) -> bool:
    if kind in ("integer", "number"):
        whole = isinstance(data, float) and data.is_integer()
        number = isinstance(data, int | float) and not isinstance(data, bool)
        return number and (kind == "number" or isinstance(data, int) or whole)
    return isinstance(data, _TYPES[kind])


def _same(data: Json, one: Json) -> bool:
    return isinstance(data, bool) == isinstance(one, bool) and bool(data == one)


def _name(data: Json) -> str:
    if isinstance(data, bool):
        return "boolean"
    if isinstance(data, int | float):
        return "number"
    return next(name for name, kinds in _TYPES.items() if isinstance(data, kinds))


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _clean(data: Json) -> Json:
    """The same with all its texts in NFC."""
    if isinstance(data, str):
        if data.isascii():
            return data
        if _SURROGATES.search(data):
            raise ValueError("U+D800 … U+DFFF")
        return unicodedata.normalize("NFC", data)
    if isinstance(data, list):
        return [_clean(one) for one in data]
    if isinstance(data, dict):
        return {_clean(key): _clean(one) for key, one in data.items()}
    return data
