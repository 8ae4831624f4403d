"""Bundles with something wrong in the folder: found, named, and never used."""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ondol.bundle import Bundle, entry_of
from ondol.engine import Engine
from ondol.errors import BundleError, BundleNotFound, CorruptBundle, UnsafePath
from ondol.manifest import MANIFEST, FileEntry, Manifest, parse
from tiny_models import CONTEXT, Tiny

FILES = ["model.onnx", "prefill-0.onnx", "prefill-1.onnx", "weights.bin", "tokenizer.json"]
FILES += ["tokenizer.bin", "genai_config.json", "tokenizer_config.json"]
Change = Callable[[Path], None]


@pytest.fixture
def folder(tiny: Tiny, tmp_path: Path) -> Path:
    """A bundle's folder that a test may break."""
    path = tmp_path / "broken"
    shutil.copytree(tiny("qwen3").path, path)
    return path


def flip(path: Path, at: int = -1) -> None:
    """Change one bit of one byte, the middle one unless told."""
    raw = bytearray(path.read_bytes())
    raw[at if at >= 0 else len(raw) // 2] ^= 1
    path.write_bytes(raw)


def rewrite(folder: Path, change: Callable[[Manifest], Manifest]) -> None:
    """Write another manifest over the old one."""
    manifest = change(Bundle.open(folder).manifest)
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")


def rehashed(folder: Path, *names: str) -> None:
    """Let the manifest agree with files that were changed."""
    manifest = parse((folder / MANIFEST).read_bytes(), "x")
    files = tuple(
        entry_of(folder, entry.path) if entry.path in names else entry for entry in manifest.files
    )
    (folder / MANIFEST).write_text(replace(manifest, files=files).to_json(), encoding="utf-8")


def test_a_whole_bundle_verifies_and_says_how_far_it_is(folder: Path) -> None:
    bundle = Bundle.open(folder)
    assert sorted(entry.path for entry in bundle.manifest.files) == sorted(FILES)
    seen: list[tuple[int, int]] = []
    bundle.verify(progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (bundle.size, bundle.size)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("where", ["first", "middle", "last"])
def test_one_flipped_bit_is_found_and_named(folder: Path, name: str, where: str) -> None:
    size = (folder / name).stat().st_size
    flip(folder / name, {"first": 0, "middle": size // 2, "last": size - 1}[where])
    bundle = Bundle.open(folder)
    with pytest.raises(CorruptBundle, match=name) as caught:
        bundle.verify()
    assert "SHA-256" in caught.value.why
    bundle.verify([other for other in FILES if other != name])


def truncate(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


def into_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def into_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [truncate, grow, Path.unlink, into_folder, into_fifo])
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_not_whole_is_named(folder: Path, name: str, change: Change) -> None:
    bundle = Bundle.open(folder)
    change(folder / name)
    for use in (lambda: Bundle.open(folder), bundle.verify):
        with pytest.raises(CorruptBundle, match=name) as caught:
            use()
        assert "expected" in caught.value.why


def test_a_manifest_that_is_a_fifo_is_not_waited_for(folder: Path) -> None:
    into_fifo(folder / MANIFEST)
    with pytest.raises(BundleNotFound):
        Bundle.open(folder)


def test_a_link_out_of_the_folder_is_unsafe(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "weights.bin"
    (folder / "weights.bin").rename(outside)
    (folder / "weights.bin").symlink_to(outside)
    with pytest.raises(UnsafePath, match=r"weights\.bin"):
        Bundle.open(folder)


def test_a_folder_that_is_a_link_out_is_unsafe(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "note").write_bytes(b"x")
    (folder / "in").symlink_to(tmp_path / "outside", target_is_directory=True)
    note = FileEntry("in/note", 1, hashlib.sha256(b"x").hexdigest())
    rewrite(folder, lambda m: replace(m, files=(*m.files, note)))
    with pytest.raises(UnsafePath, match="in/note"):
        Bundle.open(folder)


def test_a_name_too_long_for_the_system_is_corrupt(folder: Path) -> None:
    long = FileEntry("n" * 5000, 1, "00")
    rewrite(folder, lambda m: replace(m, files=(*m.files, long)))
    with pytest.raises(CorruptBundle):
        Bundle.open(folder)


def test_a_bundle_knows_only_its_own_files(folder: Path) -> None:
    bundle = Bundle.open(folder)
    assert bundle.file("model.onnx") == folder / "model.onnx"
    (folder / "extra").write_text("x")
    with pytest.raises(CorruptBundle, match="extra"):
        bundle.file("extra")
    assert bundle.variant("cpu") is not None and bundle.variant("toaster") is None


@pytest.mark.parametrize("device", ["cpu", "reference"])
@pytest.mark.parametrize("name", ["model.onnx", "prefill-0.onnx", "weights.bin", "tokenizer.json"])
def test_what_was_changed_is_never_run(folder: Path, name: str, device: str) -> None:
    flip(folder / name)
    with pytest.raises(CorruptBundle, match=name):
        Engine.open(folder, device=device)
    assert weights_are_free(folder)


def weights_are_free(folder: Path) -> bool:
    """Whether this process neither maps nor holds open a file of the bundle."""
    held = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if link(fd)]
    return all(str(folder) not in text for text in [*held, Path("/proc/self/maps").read_text()])


def link(fd: str) -> bool:
    return os.path.islink(f"/proc/self/fd/{fd}")


def test_a_session_that_works_holds_the_weights(folder: Path) -> None:
    with Engine.open(folder):
        assert not weights_are_free(folder)
    assert weights_are_free(folder)


@pytest.mark.parametrize("raw", [b"", b"garbage", b"\x08\x0a" * 500], ids=repr)
@pytest.mark.parametrize("name", ["model.onnx"])
def test_a_graph_that_is_none_is_refused_with_the_reason(
    folder: Path, name: str, raw: bytes
) -> None:
    (folder / name).write_bytes(raw)
    rehashed(folder, name)
    Bundle.open(folder).verify()
    with pytest.raises(CorruptBundle, match=name) as caught:
        Engine.open(folder)
    assert "ONNX Runtime" in caught.value.why and "ondol verify" in caught.value.fix


def test_a_prefill_graph_that_is_none_is_refused(folder: Path) -> None:
    from ondol import registry
    from ondol.plan import Plan

    (folder / "prefill-0.onnx").write_bytes(b"garbage")
    rehashed(folder, "prefill-0.onnx")
    plan = Plan(CONTEXT, 1, integer_prefill=False, spin=False)
    with (
        registry.runtime("cpu").open(Bundle.open(folder), plan) as session,
        pytest.raises(CorruptBundle, match="prefill-0"),
    ):
        session.append([1] * 60)


def test_a_tokenizer_that_is_none_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    rehashed(folder, "tokenizer.json")
    with pytest.raises(CorruptBundle, match="tokenizer"):
        Engine.open(folder)
    assert weights_are_free(folder)


@pytest.mark.parametrize(
    ("device", "field", "value"),
    [
        ("cpu", "layers", 1),
        ("cpu", "layers", 3),
        ("cpu", "kv_heads", 4),
        ("cpu", "head_dim", 16),
        ("cpu", "vocabulary", 300),
        ("reference", "layers", 1),
        ("reference", "kv_heads", 4),
        ("reference", "head_dim", 16),
        ("reference", "vocabulary", 300),
    ],
)
def test_facts_that_are_not_the_graphs_are_refused(
    folder: Path, device: str, field: str, value: int
) -> None:
    text = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    text["model"][field] = value
    (folder / MANIFEST).write_text(json.dumps(text), encoding="utf-8")
    with pytest.raises(BundleError), Engine.open(folder, device=device) as engine:
        engine.session.append([1, 2, 3])


def test_a_bundle_without_a_graph_for_the_cpu_says_so(folder: Path) -> None:
    rewrite(folder, lambda m: replace(m, variants=()))
    for device in ("cpu", "reference"):
        with pytest.raises(CorruptBundle, match="CPU"):
            Engine.open(folder, device=device)
