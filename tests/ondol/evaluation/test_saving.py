"""A report into a bundle: all or nothing, whatever happens meanwhile."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ondol.bundle import Bundle
from ondol.errors import BundleError, Busy, DiskFull, OptionError
from ondol.evaluation import saving
from ondol.evaluation.saving import save_quality
from ondol.files import locked
from ondol.manifest import MANIFEST, SIGNATURE
from ondol.packing import pack
from ondol.quality import QUALITY, quality_of
from ondol.store import find
from quality_maker import VALID
from tiny_models import Tiny

TESTS = Path(__file__).parents[2]
KILLED = """
import os, signal, sys
from pathlib import Path
from ondol.bundle import Bundle
from ondol.evaluation import saving
from quality_maker import VALID

at, place = sys.argv[2], Path(sys.argv[1])
def killed(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)
if at == "filling":
    saving.write_quality = killed
else:
    rename = Path.rename
    def counted(self, target, calls=[]):
        calls.append(target)
        if len(calls) == int(at):
            killed()
        return rename(self, target)
    Path.rename = counted
saving.save_quality(Bundle.open(place), VALID)
"""


@pytest.fixture
def bundle(tiny: Tiny, tmp_path: Path) -> Bundle:
    shutil.copytree(tiny("qwen3").path, tmp_path / "measured")
    return Bundle.open(tmp_path / "measured")


def test_a_report_is_added_and_replaced(bundle: Bundle) -> None:
    (bundle.path / "notes").mkdir()
    (bundle.path / "notes" / "mine.txt").write_text("the user's own")
    inode = (bundle.path / "weights.bin").stat().st_ino
    saved = save_quality(bundle, VALID)
    saved.verify()
    assert quality_of(saved) == VALID
    assert (saved.path / "notes" / "mine.txt").read_text() == "the user's own"
    assert (saved.path / "weights.bin").stat().st_ino == inode  # linked, not copied
    newer = replace(VALID, tasks=())
    again = save_quality(saved, newer)
    assert quality_of(again) == newer
    assert [entry.path for entry in again.manifest.files].count(QUALITY) == 1
    assert replace(again.manifest, files=bundle.manifest.files) == bundle.manifest


def test_without_hard_links_files_are_copied(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*arguments: object, **options: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refused)
    saved = save_quality(bundle, VALID)
    saved.verify()
    assert quality_of(saved) == VALID


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
@pytest.mark.parametrize("at", ["filling", "1", "2"])
def test_a_killed_save_leaves_a_whole_bundle(at: str, bundle: Bundle) -> None:
    before = (bundle.path / MANIFEST).read_bytes()
    helpers = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(bundle.path), at],
        env={**os.environ, "PYTHONPATH": helpers},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    found = find(str(bundle.path))  # as every command opens it: an interrupted swap is undone
    found.verify()
    assert (found.path / MANIFEST).read_bytes() == before and quality_of(found) is None
    assert quality_of(save_quality(found, VALID)) == VALID
    left = [path.name for path in bundle.path.parent.iterdir()]
    assert [name for name in left if name.endswith((".partial", ".old"))] == []


def test_a_full_disk_leaves_the_old_report(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = save_quality(bundle, VALID)

    def full(folder: Path, *arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "write_quality", full)
    with pytest.raises(DiskFull):
        save_quality(saved, replace(VALID, tasks=()))
    assert quality_of(Bundle.open(saved.path)) == VALID


def test_a_signed_bundle_stays_as_it_is(bundle: Bundle) -> None:
    (bundle.path / SIGNATURE).write_bytes(b"signed")
    with pytest.raises(OptionError, match="signed") as caught:
        save_quality(bundle, VALID)
    assert "sign again" in caught.value.fix
    assert quality_of(Bundle.open(bundle.path)) is None


def test_two_cannot_save_at_once(bundle: Bundle) -> None:
    with locked(bundle.path.resolve()), pytest.raises(Busy):
        save_quality(bundle, VALID)


def test_one_file_stays_as_it_is(bundle: Bundle, tmp_path: Path) -> None:
    saved = save_quality(bundle, VALID)
    file = tmp_path / "measured.ondol"
    pack(saved, file)
    packed = Bundle.open(file)
    assert quality_of(packed) == VALID  # a report travels inside
    with pytest.raises(BundleError, match="one file"):
        save_quality(packed, VALID)
