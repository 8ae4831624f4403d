"""`ondol diff`, and `ondol convert --explain`: what they print and what they leave alone."""

from pathlib import Path

import pytest

from command_line import Ondol
from ondol.cli.diff import DIFFERENT
from tiny_models import MODELS

QWEN = str(MODELS / "qwen2")


def test_the_same_and_different(ondol: Ondol, tmp_path: Path) -> None:
    assert ondol("pack", "base", "--out", str(tmp_path / "a.ondol")).code == 0
    done = ondol("diff", "base", str(tmp_path / "a.ondol"))
    assert done.code == 0 and "the same" in done.err
    done = ondol("diff", "base", "talker", "--json")
    assert done.code == DIFFERENT and not done.json["same"]
    assert {"field": "model.model_type", "first": "gemma3_text", "second": "qwen2"} in done.json[
        "fields"
    ]
    shown = ondol("diff", "base", "talker")
    assert shown.code == DIFFERENT
    for text in ("model.model_type", "weights.bin", "[bold]Own[/bold]", "self_attn.q_proj"):
        assert text in shown.out
    assert "\x1b" not in shown.out
    assert ondol("diff", "base", "absent").code == 4


def test_diff_in_korean(ondol: Ondol, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    shown = ondol("diff", "base", "talker").out
    assert all(word in shown for word in ("첫째", "둘째", "항목", "행렬", "파일"))
    assert "같습니다" in ondol("diff", "base", "base").err


def test_explain_says_what_converting_then_does(ondol: Ondol, home: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in home.rglob("*")}
    plan = ondol("convert", QWEN, "--context", "64", "--explain", "--json").json
    assert {path: path.stat().st_mtime_ns for path in home.rglob("*")} == before
    assert ondol("convert", QWEN, "--context", "64", "--name", "real").code == 0
    manifest = ondol("inspect", "real", "--json").json["manifest"]
    assert plan["matrices"] == manifest["recipe"]["matrices"]
    assert plan["parameters"] == manifest["model"]["parameters"]
    sizes = {entry["path"]: entry["size"] for entry in manifest["files"]}
    assert plan["weight_bytes"] == sizes["weights.bin"]
    assert plan["file_bytes"] == sum(sizes.values())
    assert [graph["file"] for graph in plan["graphs"]] == [
        name for name in sizes if name.endswith(".onnx")
    ]
    assert plan["context"] == 64 and plan["licence_kind"] == "unknown"


def test_explain_for_people(ondol: Ondol, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = ondol("convert", QWEN, "--weights", "int4", "--explain")
    assert shown.code == 0 and "Nothing was written" in shown.err
    for text in ("MatMulNBits × ", "prefill-0.onnx", "4 bits in ", "model.layers.0.mlp.down_proj"):
        assert text in shown.out
    monkeypatch.setenv("ONDOL_LANG", "ko")
    shown = ondol("convert", QWEN, "--explain")
    assert "행렬" in shown.out and "아무것도 쓰지 않았습니다" in shown.err


def test_explain_of_what_is_no_model(ondol: Ondol, tmp_path: Path) -> None:
    (tmp_path / "x.gguf").write_bytes(b"nothing")
    assert ondol("convert", str(tmp_path / "x.gguf"), "--explain").code == 3
    assert ondol("convert", QWEN, "--weights", "int3", "--explain").code == 2
