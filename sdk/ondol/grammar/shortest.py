"""How long the shortest instance of a JSON Schema is, in characters; infinite where none ends.

A least fixed point: references count as endless until what they name is found to end. Keywords
that are not looked at can only make instances longer, so what is infinite here is so in truth.
"""

import json
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from ondol.grammar.vocabulary import bad_grammar
from ondol.language import say

ROUNDS = 200  # references that may hang on one another in a row


def shortest(schema: dict[str, Any]) -> float:
    """The least characters that an instance of a plain, acyclic schema takes.

    Raises:
        BadGrammar: if a reference points nowhere, or outside the schema.
    """
    measured = _Measured(schema)
    for _ in range(ROUNDS):
        before = dict(measured.named)
        size = measured.of(schema)
        if measured.named == before:
            return size
    raise bad_grammar(
        say(
            f"More than {ROUNDS} references hang on one another.",
            f"참조가 {ROUNDS}번 넘게 이어집니다.",
        )
    )


class _Measured:
    def __init__(self, root: dict[str, Any]) -> None:
        self.named: dict[str, float] = {}
        self._root = root
        self._kinds: dict[str, Callable[[dict[str, Any]], float]] = {
            "object": self._object,
            "array": self._array,
            "string": lambda one: _count(one, "minLength") + 2,
            "boolean": lambda _: 4,
            "null": lambda _: 4,
        }

    def of(self, schema: Any) -> float:
        """One round: what the references seen are known to take, and then the schema itself."""
        for pointer in list(self.named):
            self.named[pointer] = self._one(resolved(self._root, pointer))
        return self._one(schema)

    def _one(self, schema: Any) -> float:
        if schema is False:
            return math.inf
        if not isinstance(schema, dict):
            return 1
        sizes: list[float] = [1]
        if "$ref" in schema:
            sizes.append(self._named(schema["$ref"]))
        if isinstance(schema.get("enum"), list):
            sizes.append(min((_written(one) for one in schema["enum"]), default=math.inf))
        if "const" in schema:
            sizes.append(_written(schema["const"]))
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list):
                sizes.append(min(map(self._one, schema[key]), default=math.inf))
        if isinstance(schema.get("allOf"), list):
            sizes += map(self._one, schema["allOf"])
        kinds = schema.get("type", [])
        kinds = kinds if isinstance(kinds, list) else [kinds]
        found = [
            self._kinds.get(kind, _one_sign)(schema) for kind in kinds if isinstance(kind, str)
        ]
        return max(*sizes, min(found, default=1))

    def _named(self, pointer: Any) -> float:
        if not isinstance(pointer, str):
            raise _nowhere(pointer)
        if pointer not in self.named:
            resolved(self._root, pointer)
            self.named[pointer] = math.inf
        return self.named[pointer]

    def _object(self, schema: dict[str, Any]) -> float:
        named = schema.get("properties")
        named = named if isinstance(named, dict) else {}
        # Every part is looked at, so that every reference is found
        sizes = {name: self._one(one) for name, one in named.items()}
        needs = schema.get("required")
        needs = needs if isinstance(needs, list) else []
        names = [name for name in needs if isinstance(name, str)]
        return 2 + sum(len(name) + 4 + sizes.get(name, 1) for name in dict.fromkeys(names))

    def _array(self, schema: dict[str, Any]) -> float:
        listed = schema.get("prefixItems")
        first = [self._one(one) for one in listed] if isinstance(listed, list) else []
        rest = self._one(schema.get("items", True))
        least = _count(schema, "minItems")
        more = max(least - len(first), 0)
        return 2 + sum(first[: int(least)]) + (more * (rest + 1) if more else 0)


def _one_sign(_: dict[str, Any]) -> float:
    return 1


def _count(schema: dict[str, Any], key: str) -> float:
    found = schema.get(key, 0)
    return float(found) if isinstance(found, int | float) else 0.0


def _written(value: Any) -> float:
    return len(json.dumps(value, ensure_ascii=False))


def resolved(root: dict[str, Any], pointer: str) -> Any:
    """What a reference such as `#/$defs/주소` names in a plain schema.

    Raises:
        BadGrammar: if it names nothing there.
    """
    head, _, path = pointer.partition("/")
    at: Any = root
    if head != "#":
        raise _nowhere(pointer)
    for part in path.split("/") if path else ():
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(at, dict) and name in at:
            at = at[name]
        elif isinstance(at, list) and name.isdecimal() and int(name) < len(at):
            at = at[int(name)]
        else:
            raise _nowhere(pointer)
    return at


def _nowhere(pointer: object) -> Exception:
    return bad_grammar(
        say(
            f"The reference {pointer!r:.80} names nothing in the schema.",
            f"참조 {pointer!r:.80}이(가) 가리키는 것이 스키마에 없습니다.",
        )
    )
