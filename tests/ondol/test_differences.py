"""What two bundles differ in: nothing unsaid, nothing made up."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

from graph_bundle import encoder_bundle
from ondol.bundle import Bundle
from ondol.differences import TokenChange, compare
from ondol.evaluation.saving import save_quality
from ondol.packing import pack
from ondol_converters.assembly import Terms
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from quality_maker import VALID
from tiny_models import CONTEXT, MODELS, Tiny


def test_a_bundle_is_the_same_as_itself_in_one_file(tiny: Tiny, tmp_path: Path) -> None:
    bundle = tiny("qwen3")
    found = compare(bundle, pack(bundle, tmp_path / "a.ondol"))
    assert found.same and found.first_bytes == found.second_bytes
    assert (found.fields, found.files, found.matrices, found.tokens, found.quality) == (
        (), (), (), None, (),
    )  # fmt: skip


def test_other_weights_are_other_matrices_and_files(tiny: Tiny, tmp_path: Path) -> None:
    first = tiny("qwen3")
    options = Options(weights="int4", context=64)
    second = convert(MODELS / "qwen3", tmp_path / "b", options=options).bundle
    found = compare(first, second)
    assert not found.same and found.tokens is None
    fields = {change.field: (change.first, change.second) for change in found.fields}
    assert fields["recipe.weights"] == ("auto", "int4")
    assert fields["model.context"] == (str(CONTEXT), "64")
    assert fields["name"] == ("qwen3-auto", "b")
    assert "licence.kind" not in fields and "model.layers" not in fields
    ours = {m.name: m for m in first.manifest.recipe.matrices}
    theirs = {m.name: m for m in second.manifest.recipe.matrices}
    changed = {change.name: (change.first, change.second) for change in found.matrices}
    assert changed == {
        name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]
    }
    assert changed
    sizes = {change.path: (change.first_bytes, change.second_bytes) for change in found.files}
    assert sizes["weights.bin"] == (
        first.place("weights.bin").size, second.place("weights.bin").size,
    )  # fmt: skip
    assert "tokenizer.json" not in sizes


def test_models_of_other_families(tiny: Tiny) -> None:
    found = compare(tiny("gemma3"), tiny("llama3"))
    fields = {change.field: (change.first, change.second) for change in found.fields}
    assert fields["model.model_type"] == ("gemma3_text", "llama")
    assert any(change.second is None for change in found.matrices)


def vocabulary(bundle: Bundle) -> dict[str, int]:
    whole = json.loads(bundle.read("tokenizer.json"))
    added = {token["content"]: token["id"] for token in whole["added_tokens"]}
    return dict(whole["model"]["vocab"]) | added


def test_tokens_are_counted(tiny: Tiny, tmp_path: Path) -> None:
    first, second = tiny("qwen3"), encoder_bundle(tmp_path / "encoder")
    found = compare(first, second).tokens
    ours, theirs = vocabulary(first), vocabulary(second)
    common = ours.keys() & theirs.keys()
    moved = sum(ours[token] != theirs[token] for token in common)
    assert found == TokenChange(
        len(common), len(ours) - len(common), len(theirs) - len(common), moved
    )
    assert moved and len(ours) > len(common) < len(theirs)


def test_terms_and_quality(tiny: Tiny, tmp_path: Path) -> None:
    terms = Terms("MIT", "commercial", b"text", "LICENSE", "", "there")
    options = Options(context=CONTEXT)
    one = convert(MODELS / "qwen3", tmp_path / "qwen3-auto", options=options, terms=terms).bundle
    found = compare(tiny("qwen3"), one)
    fields = {change.field: (change.first, change.second) for change in found.fields}
    assert fields["licence.kind"] == ("unknown", "commercial")
    assert fields["provenance"] == ("-", "there")
    assert [(c.path, c.first_bytes) for c in found.files] == [("LICENSE", None)]
    shutil.copytree(one.path, tmp_path / "measured")
    measured = save_quality(Bundle.open(tmp_path / "measured"), VALID)
    again = Bundle.open(shutil.copytree(measured.path, tmp_path / "again"))
    assert compare(measured, again).same
    found = compare(one, measured)
    assert {c.path for c in found.files} == {"quality.json"} and found.quality
    text = VALID.texts[0]
    better = replace(VALID, texts=(replace(text, bits_per_character=0.5), *VALID.texts[1:]))
    found = compare(measured, save_quality(again, better))
    ((field, before, after),) = [(c.field, c.first, c.second) for c in found.quality]
    assert field == f"texts[{text.name}].bits_per_character"
    assert (before, after) == (str(text.bits_per_character), "0.5")
