"""Random JSON Schemas of every kind that replies can be held to, small enough for tiny models."""

from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

NAMES = ("이름", "나이", "주소", "비고 1", "name", 'a"b', "값\\", "é")
TEXTS = ("예", "아니요", "모름", "", "긍정", "yes", 'x "y"', "줄\n바꿈")
PATTERNS = ("^[가-힣]{1,3}$", "^\\d{2}-\\d{3}$", "b", "^(예|아니요)$", "^.{2}$", "^\\S*$")


def _bounds(low: str, high: str, most: int) -> st.SearchStrategy[Schema]:
    """None, one, or both of two bounds, the lower one first."""
    pair = st.tuples(st.integers(0, most), st.integers(0, most)).map(sorted)
    both = pair.map(lambda found: {low: found[0], high: found[1]})
    return both | pair.map(lambda found: {high: found[1]})


def _typed(kind: str, *parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.tuples(*parts).map(
        lambda found: {"type": kind} | {key: one[key] for one in found for key in one}
    )


NOTHING: st.SearchStrategy[Schema] = st.just({})
LEAVES: st.SearchStrategy[Schema] = st.one_of(
    _typed("string", _bounds("minLength", "maxLength", 4)),
    st.sampled_from(PATTERNS).map(lambda found: {"type": "string", "pattern": found}),
    st.just({"type": "string", "format": "date"}),
    _typed("integer", NOTHING | _bounds("minimum", "maximum", 3000)),
    _typed("number", NOTHING | _bounds("minimum", "maximum", 9)),
    st.just({"type": "integer", "multipleOf": 7, "minimum": 0, "maximum": 100}),
    st.sampled_from(("boolean", "null")).map(lambda found: {"type": found}),
    st.just({"type": ["boolean", "null"]}),
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3).map(lambda found: {"enum": found}),
    st.sampled_from([*TEXTS, 3, None, [1, "가"], {"가": 1.5}]).map(lambda found: {"const": found}),
)


def _around(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.one_of(
        _typed("array", inner.map(lambda one: {"items": one}), _bounds("minItems", "maxItems", 2)),
        st.lists(inner, min_size=1, max_size=2).map(
            lambda found: {
                "type": "array",
                "prefixItems": found,
                "items": False,
                "minItems": len(found),
            }
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: {"anyOf": found}),
        _objects(inner),
    )


@st.composite
def _objects(draw: st.DrawFn, inner: st.SearchStrategy[Schema]) -> Schema:
    named = draw(st.dictionaries(st.sampled_from(NAMES), inner, max_size=3))
    needed = draw(st.lists(st.sampled_from(sorted(named)), unique=True)) if named else []
    made: Schema = {"type": "object", "properties": named, "required": needed}
    further = draw(st.sampled_from((None, False, "allOf")))
    if further == "allOf":
        return {"allOf": [made, {"type": "object", "properties": {"더": {"type": "null"}}}]}
    return made if further is None else made | {"additionalProperties": further}


SCHEMAS: st.SearchStrategy[Schema] = st.recursive(LEAVES, _around, max_leaves=5)
