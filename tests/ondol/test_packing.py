"""A bundle into one file and back: whole, or not at all."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from archive_maker import write_archive
from ondol import store
from ondol.bundle import Bundle
from ondol.errors import BundleError, BundleNotFound, CorruptBundle, OptionError, UnsafePath
from ondol.manifest import MANIFEST, SIGNATURE
from ondol.packing import pack, unpack
from tiny_models import Tiny

LIMITED = """
import resource, signal, sys
from pathlib import Path
from ondol.bundle import Bundle
from ondol.errors import OndolError
from ondol.packing import pack, unpack
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    {"pack": pack, "unpack": unpack}[sys.argv[1]](Bundle.open(Path(sys.argv[2])), Path(sys.argv[3]))
except OndolError as exc:
    sys.exit(type(exc).__name__)
"""
"""Packs or unpacks where no file may grow beyond 100 kB."""


@pytest.fixture
def folder(tiny: Tiny, tmp_path: Path) -> Path:
    return shutil.copytree(tiny("qwen3").path, tmp_path / "folder")


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def here(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def test_a_folder_comes_back_byte_for_byte(folder: Path, tmp_path: Path) -> None:
    (folder / SIGNATURE).write_text("{}")
    (folder / "stray.txt").write_text("nobody speaks for it")
    seen: list[tuple[int, int]] = []
    made = pack(Bundle.open(folder), tmp_path / "a.ondol", progress=lambda *each: seen.append(each))
    assert made == Bundle.open(tmp_path / "a.ondol")
    assert made.manifest == Bundle.open(folder).manifest and seen[-1] == (made.size, made.size)
    made.verify()
    back = unpack(made, tmp_path / "back")
    want = contents(folder)
    del want["stray.txt"]
    assert contents(back.path) == want
    again = pack(back, tmp_path / "b.ondol")
    assert again.path.read_bytes() == made.path.read_bytes()


def test_files_are_read_where_they_lie(folder: Path, tmp_path: Path) -> None:
    whole, packed = Bundle.open(folder), pack(Bundle.open(folder), tmp_path / "a.ondol")
    for entry in whole.manifest.files:
        assert packed.read(entry.path) == whole.read(entry.path)
        assert packed.place(entry.path).path == packed.path
    assert packed.manifest_bytes() == whole.manifest_bytes()
    with pytest.raises(CorruptBundle, match="no file x"):
        packed.read("x")
    with pytest.raises(BundleError, match="ondol unpack"):
        packed.file("model.onnx")
    with pytest.raises(BundleError, match="ondol unpack"):
        _ = packed.folder


def test_one_flipped_byte_is_found_and_named(folder: Path, tmp_path: Path) -> None:
    path = pack(Bundle.open(folder), tmp_path / "a.ondol").path
    place = Bundle.open(path).place("weights.bin")
    raw = bytearray(path.read_bytes())
    raw[place.offset + place.size // 2] ^= 1
    path.write_bytes(raw)
    with pytest.raises(CorruptBundle, match=r"weights\.bin"):
        Bundle.open(path).verify()
    with pytest.raises(CorruptBundle, match=r"weights\.bin"):
        unpack(Bundle.open(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_broken_bundle_is_not_packed(folder: Path, tmp_path: Path) -> None:
    bundle = Bundle.open(folder)
    raw = bytearray((folder / "tokenizer.json").read_bytes())
    raw[5] ^= 1
    (folder / "tokenizer.json").write_bytes(raw)
    before = here(tmp_path)
    with pytest.raises(CorruptBundle, match=r"tokenizer\.json"):
        pack(bundle, tmp_path / "a.ondol")
    assert here(tmp_path) == before


def test_a_member_missing_or_cut_is_named(folder: Path, tmp_path: Path) -> None:
    (folder / "chat.txt").write_text("x")
    path = pack(Bundle.open(folder), tmp_path / "a.ondol").path
    bundle = Bundle.open(path)
    members = dict(bundle.packed or {})
    del members["model.onnx"]
    cut = Bundle(path, bundle.manifest, members)
    with pytest.raises(CorruptBundle, match=r"model\.onnx is not whole"):
        cut.verify()
    path.write_bytes(path.read_bytes()[:70_000])
    with pytest.raises(CorruptBundle):
        bundle.verify()
    with pytest.raises(CorruptBundle, match="no whole"):
        Bundle.open(path)


def test_a_zip_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleNotFound, match="No bundle here"):
        Bundle.open(write_archive(tmp_path / "a.ondol", {"weights.bin": b"x"}))


def test_where_a_bundle_cannot_be_written(folder: Path, tmp_path: Path) -> None:
    bundle = Bundle.open(folder)
    (tmp_path / "dir.ondol").mkdir()
    (tmp_path / "mine").mkdir()
    for target in (tmp_path / "a.zip", tmp_path / "dir.ondol"):
        with pytest.raises(OptionError, match="--out"):
            pack(bundle, target)
    with pytest.raises(OptionError, match="--out"):
        unpack(bundle, tmp_path / "mine")


@pytest.mark.parametrize("what", ["pack", "unpack"])
def test_a_full_disk_leaves_what_was_there(folder: Path, tmp_path: Path, what: str) -> None:
    targets = {"pack": tmp_path / "a.ondol", "unpack": tmp_path / "a"}
    source = pack(Bundle.open(folder), tmp_path / "source.ondol").path
    (pack if what == "pack" else unpack)(Bundle.open(source), targets[what])
    before = here(tmp_path)
    command = [sys.executable, "-c", LIMITED, what, str(source), str(targets[what])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "DiskFull", done.stderr
    assert here(tmp_path) == before
    Bundle.open(targets[what]).verify()


def test_the_store_finds_files_too(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path / "home"))
    kept = store.folder() / "mine.ondol"
    kept.parent.mkdir(parents=True)
    pack(Bundle.open(folder), kept)
    assert store.find("mine").path == store.find("mine.ondol").path == kept
    assert store.find(str(kept)).path == kept
    assert [bundle.path for bundle in store.bundles() if isinstance(bundle, Bundle)] == [kept]
    shutil.copytree(folder, store.folder() / "mine")
    assert store.find("mine").path == store.folder() / "mine"


def test_a_manifest_cannot_list_itself_or_two_of_a_name(folder: Path) -> None:
    text = (folder / MANIFEST).read_text()
    for name in (MANIFEST, SIGNATURE, "Manifest.json", "MODEL.ONNX"):
        (folder / MANIFEST).write_text(text.replace('"genai_config.json"', f'"{name}"', 1))
        with pytest.raises(CorruptBundle, match="does not hold"):
            Bundle.open(folder)
    (folder / MANIFEST).write_text(text.replace('"genai_config.json"', '"../x"', 1))
    with pytest.raises(UnsafePath):
        Bundle.open(folder)
