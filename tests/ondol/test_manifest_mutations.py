"""Manifests changed at random: a manifest or a named error comes out."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from manifest_maker import VALID, data, del_, put
from ondol.errors import BundleError
from ondol.manifest import parse


def places(value: Any, at: str = "") -> list[str]:
    """Every place of the manifest, as `put` takes them."""
    found = [at] if at else []
    dot = f"{at}." if at else ""
    if isinstance(value, dict):
        found += [place for key, inner in value.items() for place in places(inner, f"{dot}{key}")]
    if isinstance(value, list):
        found += [place for i, inner in enumerate(value) for place in places(inner, f"{dot}{i}")]
    return found


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats()
    | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(places(data())), JSON | st.just(del_))
def test_a_mutated_manifest_gives_a_manifest_or_a_named_error(place: str, value: Any) -> None:
    try:
        made = parse(put(place, value), "x")
    except BundleError:
        return
    assert parse(made.to_json().encode(), "x") == made


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_mutated_bytes_give_a_manifest_or_a_named_error(draw: st.DataObject) -> None:
    raw = bytearray(VALID.to_json().encode())
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(raw) - 1))
        cut = draw.draw(st.integers(0, 30))
        raw[at : at + cut] = draw.draw(st.binary(max_size=12))
    try:
        parse(bytes(raw), "x")
    except BundleError:
        return
    assert json.loads(raw)
