"""JSON Schemas made ready for grammars: checked, in NFC, and narrowed to what a reply should be.

Every change narrows: what fulfils the prepared schema fulfils the one that was given, in NFC.
"""

import json
import math
import unicodedata
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from ondol.errors import BadGrammar
from ondol.grammar.normal import FREE
from ondol.grammar.options import exclusive
from ondol.grammar.shortest import shortest
from ondol.grammar.vocabulary import bad_grammar
from ondol.language import say

DEEPEST = 64  # levels of lists and objects in a schema
MOST = 20_000  # values in a schema
LONGEST = 500_000  # characters that the shortest instance may have
COUNTED = 10_000  # characters that a pattern counts itself
WHOLE, REAL = 2**53, 10**15  # numbers lie within these unless the schema sets bounds

ANNOTATIONS = frozenset(
    ("$schema", "$id", "$comment", "title", "description", "default", "examples", "deprecated")
    + ("readOnly", "writeOnly", "discriminator", "contentEncoding", "contentMediaType")
)
OBJECT = frozenset(["properties", "required", "additionalProperties", "patternProperties"])
ARRAY = frozenset(["items", "prefixItems", "minItems", "maxItems"])
STRING = frozenset(["pattern", "minLength", "maxLength", "format"])
NUMBER = frozenset(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"])
KINDS = {"object": OBJECT, "array": ARRAY, "string": STRING, "number": NUMBER}
FORMS = ("$ref", "enum", "const", "anyOf", "oneOf", "allOf")
WRITING = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def prepared(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema for llguidance, with how JSON is to be written.

    Raises:
        BadGrammar: if it is no JSON, too large, too deep, or has no instance of finite length.
    """
    plain = _Copy().of(schema, 0)
    if not isinstance(plain, dict):
        raise bad_grammar(say("A schema is a JSON object.", "스키마는 JSON 객체여야 합니다."))
    narrowed = _Narrow(plain).of(plain, closing=True)
    size = shortest(narrowed)
    if size == math.inf:
        raise bad_grammar(
            say(
                "It has no instance: a value without end is required, or none is allowed.",
                "맞는 값이 없습니다. 끝나지 않는 값을 요구하거나 아무 값도 허용하지 않습니다.",
            )
        )
    if size > LONGEST:
        raise bad_grammar(
            say(
                f"Its shortest instance has {int(size)} characters; no context holds that.",
                f"가장 짧은 값도 {int(size)}자라서 문맥에 들어가지 않습니다.",
            )
        )
    return {**narrowed, "x-guidance": WRITING}


class _Copy:
    """Plain JSON of whatever was given, in NFC, within bounds."""

    def __init__(self) -> None:
        self._left = MOST

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise bad_grammar(
                say(
                    f"The schema has more than {MOST} values or {DEEPEST} levels.",
                    f"스키마가 값 {MOST}개나 깊이 {DEEPEST}단계를 넘습니다.",
                )
            )
        if isinstance(value, str):
            return _normal(value)
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        if isinstance(value, list | tuple):
            return [self.of(one, depth + 1) for one in value]
        if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
            made = {_normal(key): self.of(one, depth + 1) for key, one in value.items()}
            if len(made) == len(value):
                return made
        raise bad_grammar(
            say(f"{value!r:.80} cannot stand in JSON.", f"JSON에 쓸 수 없는 값: {value!r:.80}")
        )


def _normal(text: str) -> str:
    if any(0xD800 <= ord(char) <= 0xDFFF for char in text):
        raise bad_grammar(
            say(f"{text!r:.80} is not Unicode.", f"유니코드가 아닙니다: {text!r:.80}")
        )
    return unicodedata.normalize("NFC", text)


class _Narrow:
    """Schemas and those inside them, narrowed; `root` is what references point into."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root
        self._mixes = '"allOf":' in json.dumps(root)  # definitions may be parts of one object

    def of(self, schema: dict[str, Any], *, closing: bool) -> dict[str, Any]:
        """The schema narrowed.

        Args:
            schema: a plain schema.
            closing: whether objects may be closed to names they do not know; not below `allOf`,
                where another part knows other names.
        """
        made = {key: value for key, value in schema.items() if key not in ANNOTATIONS}
        if not any(form in made for form in FORMS):
            made |= _kind(made)
        if "anyOf" not in made and exclusive(_listed("oneOf", made.get("oneOf", [])), self._root):
            made["anyOf"] = made.pop("oneOf")
        for key, value in made.items():
            made[key] = self._part(key, value, closing)
        kinds = made.get("type")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        if "enum" in made or "const" in made:
            return made
        if "string" in kinds or STRING & made.keys():
            _keep_normal(made)
        if "integer" in kinds or "number" in kinds:
            _bound(made, REAL if "number" in kinds else WHOLE)
        if "object" in kinds and not any(form in made for form in FORMS):
            _close(made, closing=closing)
        return made

    def _part(self, key: str, value: Any, closing: bool) -> Any:
        if key == "$ref" and isinstance(value, str):
            return quote(unquote(value), safe="#/$~")  # a name in Hangul is no URI as it is
        if key in ("properties", "patternProperties", "$defs", "definitions"):
            if not isinstance(value, dict):
                raise bad_grammar(say(f"{key} is no object.", f"{key}이(가) 객체가 아닙니다."))
            closing = closing and not (self._mixes and key in ("$defs", "definitions"))
            return {name: self._below(one, closing) for name, one in value.items()}
        if key in ("anyOf", "oneOf", "allOf", "prefixItems"):
            inner = closing and key != "allOf"
            return [self._below(one, inner) for one in _listed(key, value)]
        if key in ("items", "additionalProperties"):
            return self._below(value, closing)
        return value

    def _below(self, value: Any, closing: bool) -> Any:
        if isinstance(value, dict):
            return self.of(value, closing=closing)
        if isinstance(value, bool):
            return value
        raise bad_grammar(say(f"{value!r:.80} is no schema.", f"스키마가 아닙니다: {value!r:.80}"))


def _kind(schema: dict[str, Any]) -> dict[str, Any]:
    """The type that keywords without one are about, where they are about one only."""
    if "type" in schema:
        return {}
    kinds = [kind for kind, keys in KINDS.items() if keys & schema.keys()]
    return {"type": kinds[0]} if len(kinds) == 1 else {}


def _listed(key: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise bad_grammar(say(f"{key} is no list.", f"{key}이(가) 목록이 아닙니다."))
    return value


def _keep_normal(schema: dict[str, Any]) -> None:
    if "pattern" in schema or "format" in schema:
        schema["allOf"] = [*schema.get("allOf", []), {"pattern": f"^{FREE}*$"}]
        return
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    bounds = (least, least if most is None else most)
    if all(type(one) is int and 0 <= one <= COUNTED for one in bounds) and bounds[0] <= bounds[1]:
        # As part of the pattern, counting costs next to nothing; as keywords beside it, much
        schema.pop("minLength", None)
        schema.pop("maxLength", None)
        schema["pattern"] = f"^{FREE}{{{least},{'' if most is None else most}}}$"
    else:
        schema["pattern"] = f"^{FREE}*$"


def _bound(schema: dict[str, Any], most: int) -> None:
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if any(isinstance(edge, str | bool | list | dict) for edge in (low, high)):
        raise bad_grammar(say("A bound is no number.", "범위가 숫자가 아닙니다."))
    if low is None and (high is None or high > -most):
        schema["minimum"] = -most
    if high is None and (low is None or low < most):
        schema["maximum"] = most


def _close(schema: dict[str, Any], *, closing: bool) -> None:
    """Allow no unknown names, or, where they must be allowed, only those in NFC.

    Names that llguidance invents may be written with escapes, as which a known name would
    escape its own schema; a pattern leaves no room for these.
    """
    named = schema.get("properties")
    known = named.keys() if isinstance(named, dict) else ()
    further = schema.pop("additionalProperties", None)
    needs = schema.get("required", [])
    least = schema.get("minProperties", 0)
    if isinstance(least, int) and least > max(1, len(needs)):
        raise bad_grammar(
            say(
                "minProperties counts names that required does not list.",
                "minProperties가 required에 없는 이름까지 셉니다.",
            )
        )
    enough = all(name in known for name in needs) and not least
    if further is False or "patternProperties" in schema:
        schema["additionalProperties"] = False if further is None and closing else further
        if schema["additionalProperties"] is None:
            del schema["additionalProperties"]
        return
    if further is None and closing and known and enough:
        schema["additionalProperties"] = False
        return
    schema["patternProperties"] = {f"^{FREE}*$": True if further is None else further}
    schema["additionalProperties"] = False


def text_of(schema: Mapping[str, Any]) -> str:
    """A schema as a model is shown it: one line of JSON, Hangul as it is."""
    try:
        return json.dumps(schema, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as exc:
        raise _unwritable(exc) from exc


def _unwritable(exc: Exception) -> BadGrammar:
    return bad_grammar(str(exc))
