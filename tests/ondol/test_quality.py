"""Quality reports: the same after reading, and no lie gets through."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle
from ondol.evaluation.saving import write_quality
from ondol.quality import MAX_BYTES, QUALITY, parse, quality_of
from quality_maker import TEXT, VALID
from tiny_models import Tiny


def test_a_report_survives_its_text() -> None:
    assert parse(VALID.to_json().encode(), "x") == VALID
    assert parse(VALID.to_json().encode(), "x").to_json() == VALID.to_json()


def put(place: str, value: Any) -> bytes:
    """The valid report with one value in another's place."""
    data = json.loads(VALID.to_json())
    at: Any = data
    *way, last = (int(step) if step.isdigit() else step for step in place.split("."))
    for step in way:
        at = at[step]
    at[last] = value
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("ondol_quality", 2),
        ("ondol_quality", True),
        ("created_by", None),
        ("device", "\ud800"),
        ("stranger", 1),
        ("texts", {}),
        ("texts.0.bits_per_character", float("nan")),
        ("texts.0.bits_per_character", float("inf")),
        ("texts.0.bits_per_character", -0.1),
        ("texts.0.bits_per_character", "2.1"),
        ("texts.0.relative_loss", -1.5),
        ("texts.0.kl_bits", -0.001),
        ("texts.0.top1_agreement", 1.01),
        ("texts.0.tokens", -1),
        ("texts.0.tokens", 1.5),
        ("texts.0.spelt", 1),
        ("texts.0.stranger", 1),
        ("generation.0.repeated_4grams", -0.5),
        ("generation.0.seed", -7),
        ("generation.0.prompts.size", 10**400),
        ("retrieval.0.recall_at_1", 2),
        ("tasks.0.letter.share", 1.5),
        ("tasks.0.kinds.0.likelihood.high", -0.1),
        ("calibrations.0.texts.0.relative_loss", -2),
    ],
)
def test_what_does_not_hold_is_corrupt(place: str, value: Any) -> None:
    with pytest.raises(CorruptBundle, match="quality report of there") as caught:
        parse(put(place, value), "there")
    assert caught.value.why and "ondol evaluate" in caught.value.fix


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b"\xff", b"{}", b"[" * 100_000, b" " * (MAX_BYTES + 1)]
)
def test_what_is_no_report_is_corrupt(raw: bytes) -> None:
    with pytest.raises(CorruptBundle):
        parse(raw, "x")


@pytest.mark.parametrize(("place", "value"), [("texts.0.relative_loss", -0.01), ("against", "")])
def test_what_may_be_is_taken(place: str, value: Any) -> None:
    assert parse(put(place, value), "x") != VALID


def test_the_loss_is_the_worst_of_a_language() -> None:
    worse = replace(TEXT, relative_loss=0.2)
    english = replace(TEXT, language="en", relative_loss=None)
    quality = replace(VALID, texts=(TEXT, worse, english))
    assert quality.loss("ko") == 0.2 and quality.loss("en") is None


def test_a_newer_report_keeps_what_it_did_not_measure() -> None:
    bare = replace(VALID, texts=(), generation=(), retrieval=(), tasks=(), calibrations=())
    assert VALID.updated(bare) == VALID
    alone = replace(TEXT, relative_loss=None, bits_per_character=3.0)
    assert VALID.updated(replace(bare, against="", texts=(alone,))).texts == (TEXT,)
    again = replace(TEXT, bits_per_character=3.0)
    assert VALID.updated(replace(bare, texts=(again,))).texts == (again,)
    other = replace(VALID.tasks[0], file=replace(VALID.tasks[0].file, sha256="0" * 64))
    assert VALID.updated(replace(bare, tasks=(other,))).tasks == (VALID.tasks[0], other)
    same = replace(VALID.tasks[0], shots=0)
    assert VALID.updated(replace(bare, tasks=(same,))).tasks == (same,)


@pytest.fixture
def bundle(tiny: Tiny, tmp_path: Path) -> Bundle:
    folder = tmp_path / "measured"
    shutil.copytree(tiny("qwen3").path, folder)
    write_quality(folder, Bundle.open(folder).manifest, VALID)
    return Bundle.open(folder)


def test_a_bundle_carries_its_report(bundle: Bundle, tiny: Tiny) -> None:
    bundle.verify()
    assert quality_of(bundle) == VALID
    assert quality_of(tiny("qwen3")) is None


def test_a_report_that_was_touched_is_noticed(bundle: Bundle) -> None:
    path = bundle.file(QUALITY)
    path.write_bytes(path.read_bytes().replace(b"2.1", b"1.1"))
    with pytest.raises(CorruptBundle, match="not what was packed"):
        quality_of(bundle)
