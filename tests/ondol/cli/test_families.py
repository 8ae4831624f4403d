"""`ondol families`, for people and for machines; and what `ondol convert` says of strangers."""

import json
import sys
from pathlib import Path

import pytest

from command_line import Ondol
from made_up_model import write_onmaru
from ondol_converters.families import FAMILIES, family
from ondol_converters.sources.gguf_config import ARCHITECTURES


def test_every_family_is_listed_with_its_facts(ondol: Ondol) -> None:
    rows = {row["name"]: row for row in ondol("families", "--json").json["families"]}
    assert set(FAMILIES) <= set(rows)
    given = {row.model_type for row in ARCHITECTURES.values()}
    for name in FAMILIES:
        row = rows[name]
        assert (row["kind"], row["through"], row["fault"]) == ("decoder", "ondol", "")
        assert row["model_types"] == [name] and row["architectures"]
        assert row["sources"][0] == "huggingface" and ("gguf" in row["sources"]) is (name in given)
        assert "gguf" not in row["sources"] or "gguf" in family(name).names
        kinds = {model["licence_kind"] for model in row["models"]}
        assert kinds and kinds <= {"commercial", "conditional", "research-only"}


def test_people_see_models_and_licences(ondol: Ondol, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = ondol("families")
    assert "Kanana 1.5 2.1B (Apache-2.0, commercial use allowed)" in shown.out
    assert "hints" in shown.err
    monkeypatch.setenv("ONDOL_LANG", "ko")
    assert "디코더" in ondol("families").out


def test_without_the_converters_the_extra_is_named(
    ondol: Ondol, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ondol_converters.families.catalog", None)
    done = ondol("families", "--json")
    assert done.code == 8 and json.loads(done.out)["error"]["kind"] == "MissingExtra"
    assert "ondol[converters]" in done.err


def test_a_stranger_is_described(ondol: Ondol, tmp_path: Path) -> None:
    done = ondol("convert", str(write_onmaru(tmp_path / "onmaru")), "--out", str(tmp_path / "out"))
    assert done.code == 3 and "nearest is qwen3" in done.err and "ADDING_A_FAMILY.md" in done.err
    assert not (tmp_path / "out").exists()
