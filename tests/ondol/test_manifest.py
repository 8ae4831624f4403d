"""Manifests that lie: each lie is a named error, and nothing else comes out."""

from pathlib import Path
from typing import Any

import pytest

from manifest_maker import VALID, data, del_, put
from ondol import manifest as manifests
from ondol.errors import BundleNotFound, CorruptBundle, UnsafePath
from ondol.manifest import parse, plain_name


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
