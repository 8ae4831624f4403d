"""Whether the options of a `oneOf` exclude each other by a name that each gives another value.

Then `anyOf` means the same; llguidance sees that only where options are no references.
"""

import json
from itertools import combinations
from typing import Any

from ondol.grammar.shortest import resolved


def exclusive(options: list[Any], root: dict[str, Any]) -> bool:
    """Whether no value fits two options of a plain schema.

    Args:
        options: objects that all require some name, as pydantic's discriminated unions do.
        root: the schema that references point into.
    """
    forms = [_form(one, root) for one in options]
    names = set.intersection(*(set(_values(form)) for form in forms)) if forms else set()
    return any(
        all(one.isdisjoint(other) for one, other in combinations(told, 2))
        for told in ([_values(form)[name] for form in forms] for name in names)
    )


def _form(option: Any, root: dict[str, Any]) -> dict[str, Any]:
    if isinstance(option, dict) and isinstance(option.get("$ref"), str):
        option = resolved(root, option["$ref"])
    return option if isinstance(option, dict) else {}


def _values(form: dict[str, Any]) -> dict[str, set[str]]:
    """What each required name may be, where the schema lists it."""
    needs, named = form.get("required"), form.get("properties")
    if form.get("type") != "object" or not isinstance(needs, list) or not isinstance(named, dict):
        return {}
    found: dict[str, set[str]] = {}
    for name, one in named.items():
        if name in needs and isinstance(one, dict):
            listed = [one["const"]] if "const" in one else one.get("enum")
            if isinstance(listed, list):
                found[name] = {json.dumps(value, sort_keys=True) for value in listed}
    return found
