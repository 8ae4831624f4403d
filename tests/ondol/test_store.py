"""The store: where bundles are, and what is found of a name."""

import shutil
import sys
from pathlib import Path

import pytest

from ondol import store
from ondol.bundle import Bundle
from ondol.errors import BundleError, BundleNotFound, CorruptBundle
from tiny_models import Tiny


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: Tiny) -> Path:
    """A store with one bundle, `good`."""
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny("qwen3").path, tmp_path / "home" / "bundles" / "good")
    return tmp_path / "home"


def test_home_is_where_the_variable_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store.home() == home and store.folder() == home / "bundles"
    monkeypatch.setenv("ONDOL_HOME", "~/x")
    assert store.home() == Path.home() / "x"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have folders of their own")
def test_home_is_where_linux_keeps_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONDOL_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert store.home() == Path("/data/ondol")
    monkeypatch.setenv("XDG_DATA_HOME", "")
    monkeypatch.setenv("HOME", "/home/me")
    assert store.home() == Path("/home/me/.local/share/ondol")


@pytest.mark.parametrize(
    ("platform", "place"),
    [("darwin", "Library/Application Support/Ondol"), ("win32", "AppData/Local/Ondol")],
)
def test_home_on_other_systems(
    platform: str, place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("ONDOL_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", platform)
    assert store.home() == tmp_path / place


def test_a_bundle_is_found_by_name_and_by_path(home: Path, tmp_path: Path) -> None:
    by_name = store.find("good")
    assert by_name.path == home / "bundles" / "good"
    assert store.find(str(by_name.path)).manifest == by_name.manifest
    shutil.copytree(by_name.path, tmp_path / "here")
    assert store.find("here").path == Path("here")
    assert store.find("./here").path == Path("here")


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "bad", "../good", "/good", "a/b", "good/x", "n" * 300, "a\0b", "\ud800", "~"],
    ids=lambda name: ascii(name[:9]),
)
def test_what_is_not_there_is_said(home: Path, name: str) -> None:
    with pytest.raises(BundleNotFound) as caught:
        store.find(name)
    assert str(home) in caught.value.why and "ondol convert" in caught.value.fix


def test_a_name_never_leaves_the_store(home: Path) -> None:
    shutil.copytree(home / "bundles" / "good", home / "outside")
    with pytest.raises(BundleNotFound):
        store.find("../outside")


def test_a_broken_bundle_is_an_error_and_not_absent(home: Path) -> None:
    (home / "bundles" / "good" / "weights.bin").write_bytes(b"")
    with pytest.raises(CorruptBundle):
        store.find("good")


def test_bundles_are_listed_by_name_with_their_errors(home: Path, tiny: Tiny) -> None:
    bundles = home / "bundles"
    shutil.copytree(tiny("qwen3").path, bundles / "another")
    (bundles / "broken").mkdir()
    (bundles / "broken" / "manifest.json").write_text("{")
    (bundles / ".good.7.partial").mkdir()
    (bundles / ".good.lock").touch()
    (bundles / "note.txt").touch()
    found = list(store.bundles())
    kinds = [type(each) for each in found]
    assert kinds == [Bundle, CorruptBundle, Bundle]
    assert all(isinstance(each, Bundle | BundleError) for each in found)


def test_an_empty_store_lists_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONDOL_HOME", str(tmp_path / "absent"))
    assert list(store.bundles()) == []
    assert not (tmp_path / "absent").exists()


def test_a_bundle_whose_replacement_died_is_found(home: Path) -> None:
    bundles = home / "bundles"
    (bundles / "good").rename(bundles / ".good.old")
    assert store.find("good").path == bundles / "good"
    (bundles / "good").rename(bundles / ".good.old")
    assert store.find(str(bundles / "good")).path == bundles / "good"
