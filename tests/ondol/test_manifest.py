"""Manifests that lie: each lie is a named error, and nothing else comes out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ondol import manifest as manifests
from ondol.device import Needs
from ondol.errors import BundleError, BundleNotFound, CorruptBundle, UnsafePath
from ondol.manifest import (
    Defaults,
    FileEntry,
    Licence,
    Manifest,
    MatrixRecord,
    ModelFacts,
    Origin,
    Recipe,
    Variant,
    parse,
    plain_name,
)

HASH = "ab" * 32
VALID = Manifest(
    ondol_bundle=1,
    name="tiny",
    created_by="ondol 0",
    model=ModelFacts("qwen3", 2, 1, 32, 272, 128, 1000, None, (271,)),
    files=(
        FileEntry("model.onnx", 10, HASH),
        FileEntry("tokenizer.json", 5, HASH),
        FileEntry("texts/LICENSE", 7, HASH),
    ),
    variants=(Variant("cpu", "model.onnx", (), Needs(("Add",), ("int8",), 99)),),
    origins=(Origin("model.safetensors", 100, HASH),),
    provenance="출처",
    recipe=Recipe(
        weights="auto",
        context=128,
        vocabulary="full",
        source_vocabulary=8,
        budget=None,
        favor="size",
        calibration=(Origin("ko.txt", 3, "0" * 64),),
        matrices=(MatrixRecord("a", "F32", 8, 32, 64, False, "nearest"),),
    ),
    licence=Licence("Apache-2.0", "commercial", "texts/LICENSE", ""),
    defaults=Defaults("", 1.0),
)


def data() -> Any:
    return json.loads(VALID.to_json())


def text(changed: Any) -> bytes:
    return json.dumps(changed).encode()


def put(place: str, value: Any) -> bytes:
    """The valid manifest with one value replaced; `del` takes it out."""
    changed = data()
    at: Any = changed
    *way, last = (int(step) if step.isdigit() else step for step in place.split("."))
    for step in way:
        at = at[step]
    if value is del_:
        del at[last]
    else:
        at[last] = value
    return text(changed)


del_ = object()


def test_a_manifest_survives_its_text() -> None:
    assert parse(VALID.to_json().encode(), "x") == VALID
    assert parse(VALID.to_json().encode(), "x").to_json() == VALID.to_json()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\xff\xfe{}",
        b"{}",
        b'{"ondol_bundle": 1}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"ondol_bundle": ' + b"9" * 5000 + b"}",
        b'{"ondol_bundle": 1, "ondol_bundle": 1}',
    ],
    ids=lambda raw: repr(raw[:20]),
)
def test_what_is_no_manifest_is_corrupt(raw: bytes) -> None:
    with pytest.raises(CorruptBundle) as caught:
        parse(raw, "there")
    assert "there" in caught.value.what and caught.value.why and caught.value.fix


def test_a_manifest_too_large_is_not_even_parsed() -> None:
    with pytest.raises(CorruptBundle, match="bytes"):
        parse(b" " * (manifests.MAX_BYTES + 1), "x")


@pytest.mark.parametrize("version", [0, 2, -1, "1", True, None, 1.5, [1], {}])
def test_another_version_says_which_is_known(version: Any) -> None:
    with pytest.raises(CorruptBundle, match="1 is known") as caught:
        parse(put("ondol_bundle", version), "x")
    assert "Update Ondol" in caught.value.fix


@pytest.mark.parametrize(
    "place",
    [*data(), "model.layers", "model.bos", "files.0.size", "variants.0.needs", "defaults.system"],
)
def test_a_field_left_out_is_corrupt(place: str) -> None:
    with pytest.raises(CorruptBundle):
        parse(put(place, del_), "x")


@pytest.mark.parametrize("place", ["", "model.", "files.1.", "variants.0.needs.", "licence."])
def test_a_field_too_many_is_named(place: str) -> None:
    with pytest.raises(CorruptBundle, match="surprise"):
        parse(put(f"{place}surprise", 1), "x")


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("model", []),
        ("model", None),
        ("model.layers", "2"),
        ("model.layers", True),
        ("model.layers", 2.0),
        ("model.layers", None),
        ("model.layers", 0),
        ("model.layers", -1),
        ("model.layers", 1 << 40),
        ("model.kv_heads", 1 << 30),
        ("model.head_dim", 1 << 30),
        ("model.context", 1 << 40),
        ("model.vocabulary", 1 << 61),
        ("model.vocabulary", 1 << 62),
        ("model.parameters", -5),
        ("model.bos", 272),
        ("model.bos", -1),
        ("model.bos", "1"),
        ("model.eos", [271, 272]),
        ("model.eos", 271),
        ("model.eos", [None]),
        ("model.model_type", 5),
        ("files", {}),
        ("files", []),
        ("files", [[]]),
        ("files.0.size", -1),
        ("files.0.size", 1e3),
        ("files.0.sha256", 0),
        ("files.1.path", "model.onnx"),
        ("variants.0.graph", "other.onnx"),
        ("variants.0.prefill", ["prefill-0.onnx"]),
        ("variants.0.needs.operators", "Add"),
        ("variants.0.needs.weight_bytes", -1),
        ("licence.file", "MISSING"),
        ("defaults.repetition_penalty", 0),
        ("defaults.repetition_penalty", -1.0),
        ("defaults.repetition_penalty", float("nan")),
        ("defaults.repetition_penalty", float("inf")),
        ("defaults.repetition_penalty", "1"),
        ("provenance", "\ud800"),
        ("recipe.matrices.0.exact", 1),
        ("name", ""),
        ("name", ".hidden"),
        ("name", "a/b"),
        ("name", "a\x1b[2J"),
        ("name", " a"),
        ("name", "x" * 201),
    ],
)
def test_a_value_of_the_wrong_kind_or_size_is_corrupt(place: str, value: Any) -> None:
    with pytest.raises(CorruptBundle) as caught:
        parse(put(place, value), "x")
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "..",
        "../model.onnx",
        "a/../../b",
        "a/..",
        "/etc/passwd",
        "//host/share",
        "..\\model.onnx",
        "C:\\model.onnx",
        "C:model.onnx",
        "model.onnx:stream",
        "a\0b",
        "a\nb",
        "a\x1b[31mb",
        "./model.onnx",
        "a//b",
        "a/",
        "~/\u202ea",
    ],
)
def test_a_path_that_could_leave_the_folder_is_unsafe(path: str) -> None:
    with pytest.raises(UnsafePath) as caught:
        parse(put("files.0.path", path), "x")
    assert repr(path)[:20] in caught.value.why and caught.value.fix


def test_a_long_path_is_cut_in_the_message() -> None:
    with pytest.raises(UnsafePath) as caught:
        parse(put("files.0.path", "../" * 100_000), "x")
    assert len(str(caught.value)) < 600


def test_the_tokenizer_must_be_listed() -> None:
    with pytest.raises(CorruptBundle, match=r"tokenizer\.json"):
        parse(put("files.1", del_), "x")


@pytest.mark.parametrize("name", ["a", "qwen2.5-coder", "한국어 모델", "a.b_c"])
def test_plain_names(name: str) -> None:
    assert plain_name(name)


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


@pytest.mark.parametrize("size", [0, 100 << 20])
def test_a_file_of_nothing_is_no_manifest(tmp_path: Path, size: int) -> None:
    from ondol.bundle import Bundle

    with (tmp_path / "manifest.json").open("wb") as file:
        file.truncate(size)
    with pytest.raises(CorruptBundle):
        Bundle.open(tmp_path)


def test_no_manifest_is_no_bundle(tmp_path: Path) -> None:
    from ondol.bundle import Bundle

    for path in (tmp_path, tmp_path / "absent", tmp_path / "a\nb"):
        with pytest.raises(BundleNotFound, match="ondol models"):
            Bundle.open(path)
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(BundleNotFound):
        Bundle.open(tmp_path)
