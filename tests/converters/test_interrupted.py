"""Conversions that a full disk, a kill or a rival cuts short: old bundles live, leftovers go."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.errors import Busy, DiskFull
from ondol.files import recover
from ondol.manifest import Manifest
from ondol.store import find
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from tiny_models import MODELS

OPTIONS = Options(context=64)
PAGE = 4096

CONVERT = """
import sys, time
from pathlib import Path
from ondol.errors import OndolError
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options

def slowly(stage, done, total):
    print(stage, flush=True)
    time.sleep(float(sys.argv[3]))

try:
    convert(Path(sys.argv[1]), Path(sys.argv[2]), options=Options(context=64), progress=slowly)
except OndolError as exc:
    sys.exit(type(exc).__name__)
"""
"""Converts argv[1] to argv[2], pausing argv[3] seconds at each step."""

LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), int(sys.argv[4])))
"""
"""Lets no file grow beyond argv[4] bytes."""

DYING = """
import os, signal, sys
left = int(sys.argv[4])

def hook(event, arguments):
    global left
    if event == "os.rename":
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(hook)
"""
"""Kills the process just before its rename number argv[4]."""


STAGES = ("tokenizer", "weights", "graph", "hash", "cache", "source", "texts", "generation")
KILLED = """
import os, signal, sys
from pathlib import Path
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options

def killed(stage, done, total):
    if stage == sys.argv[3] and (done == total or sys.argv[4] == "first"):
        os.kill(os.getpid(), signal.SIGKILL)

options = Options(context=256, vocabulary="ko-en", kv_cache="int8", quality=True)
convert(Path(sys.argv[1]), Path(sys.argv[2]), options=options, progress=killed)
"""
"""Converts argv[1] to argv[2] with everything on, and is killed in the stage argv[3]."""


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")}


def run(before: str, target: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", before + CONVERT, str(MODELS / "qwen3"), str(target)]
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, check=False
    )


def old_bundle(target: Path) -> Manifest:
    return convert(MODELS / "qwen2", target, options=OPTIONS).bundle.manifest


def whole(target: Path) -> Manifest:
    """The manifest of a bundle that opens, verifies and answers."""
    bundle = Bundle.open(target)
    bundle.verify()
    with Engine.open(bundle) as engine:
        assert engine.session.append([1, 2]).shape == (bundle.manifest.model.vocabulary,)
    return bundle.manifest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB, where this process may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    command = [mount, "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"mounting is not allowed here: {made.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def leave(disk: Path, pages: int) -> None:
    """Fill a disk until only so many pages are free."""
    ballast = disk / "ballast"
    ballast.unlink(missing_ok=True)
    free = shutil.disk_usage(disk).free - pages * PAGE
    ballast.write_bytes(bytes(free))


@pytest.mark.parametrize("older", [True, False], ids=["replacing", "new"])
def test_a_disk_that_fills_at_any_page(small_disk: Path, older: bool) -> None:
    target = small_disk / "model"
    kept = old_bundle(target) if older else None
    failures = 0
    for pages in range(0, 200, 3):
        leave(small_disk, pages)
        try:
            convert(MODELS / "qwen3", target, options=OPTIONS)
        except DiskFull as exc:
            failures += 1
            assert str(small_disk) in exc.what and exc.fix
            assert names(small_disk) <= {"ballast", "model"}
            assert target.exists() is older
            if older:
                assert Bundle.open(target).manifest == kept
        else:
            break
    assert failures > 10
    (small_disk / "ballast").unlink()
    assert whole(target).model.model_type == "qwen3"
    assert names(small_disk) == {"model"}


def test_an_old_bundle_still_answers_from_a_full_disk(small_disk: Path) -> None:
    target = small_disk / "model"
    kept = old_bundle(target)
    leave(small_disk, 1)
    with pytest.raises(DiskFull):
        convert(MODELS / "qwen3", target, options=OPTIONS)
    assert whole(target) == kept


@pytest.mark.parametrize("limit", [0, 100, 5000, 60_000])
def test_a_file_that_may_not_grow(tmp_path: Path, limit: int) -> None:
    target = tmp_path / "model"
    kept = old_bundle(target)
    assert run(LIMITED, target, 0, limit).stderr == "DiskFull\n"
    assert names(tmp_path) == {"model"} and whole(target) == kept
    assert run(LIMITED, tmp_path / "new", 0, limit).stderr == "DiskFull\n"
    assert names(tmp_path) == {"model"}


@pytest.mark.parametrize("older", [True, False], ids=["replacing", "new"])
def test_killed_before_any_rename(tmp_path: Path, older: bool) -> None:
    target = tmp_path / "model"
    kept = old_bundle(target) if older else None
    for renames in range(20):
        died = run(DYING, target, 0, renames)
        if died.returncode == 0:
            break
        assert died.returncode == -signal.SIGKILL
        recover(target)  # as the store does when it is asked for a bundle
        assert target.exists() is older
        if older:
            assert find(str(target)).manifest == kept
            Bundle.open(target).verify()
    else:
        pytest.fail("it never came to its end")
    assert renames >= 4 + older
    assert whole(target).model.model_type == "qwen3"
    assert names(tmp_path) == {"model"}


def test_killed_at_the_start_or_the_end_of_every_stage(tmp_path: Path) -> None:
    target, new = tmp_path / "model", tmp_path / "new"
    kept = old_bundle(target)
    moments = [(stage, "first") for stage in STAGES]
    moments += [(stage, "last") for stage in ("weights", "hash", "cache")]
    for at, (stage, moment) in enumerate(moments):
        place = target if at % 2 else new
        command = [sys.executable, "-c", KILLED, str(MODELS / "qwen3"), str(place), stage, moment]
        died = subprocess.run(command, capture_output=True, check=False)
        assert died.returncode == -signal.SIGKILL, (stage, died.stderr)
        recover(place)
        assert not new.exists()
        assert Bundle.open(target).manifest == kept
    whole(target)
    convert(MODELS / "qwen3", new, options=OPTIONS)
    convert(MODELS / "qwen3", target, options=OPTIONS)
    assert names(tmp_path) == {"model", "new"}


def test_killed_at_random_moments(tmp_path: Path) -> None:
    target = tmp_path / "model"
    kept = old_bundle(target)
    dice = random.Random(7)
    command = [sys.executable, "-c", CONVERT, str(MODELS / "qwen3"), str(target), "0.01"]
    for _ in range(4):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "tokenizer\n"
            time.sleep(dice.random() * 0.5)
            process.kill()
        recover(target)
        found = Bundle.open(target)
        found.verify()
        if process.returncode:
            assert found.manifest == kept or found.manifest.model.model_type == "qwen3"
    convert(MODELS / "qwen3", target, options=OPTIONS)
    assert names(tmp_path) == {"model"} and whole(target).model.model_type == "qwen3"


def test_a_second_converter_is_told_that_the_first_is_busy(tmp_path: Path) -> None:
    target = tmp_path / "model"
    kept = old_bundle(target)
    command = [sys.executable, "-c", CONVERT, str(MODELS / "qwen3"), str(target), "0.01"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "weights\n":
            assert process.poll() is None
        process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(Busy, match="model"):
                convert(MODELS / "llama3", target, options=OPTIONS)
            assert Bundle.open(target).manifest == kept
        finally:
            process.send_signal(signal.SIGCONT)
        process.stdout.read()
    assert process.returncode == 0
    assert whole(target).model.model_type == "qwen3"
    assert names(tmp_path) == {"model"}


def test_two_bundles_side_by_side_do_not_disturb_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CONVERT, str(MODELS / "qwen3")]
    with subprocess.Popen(
        [*command, str(tmp_path / "qwen2.5"), "0.01"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline() != "weights\n":
            assert process.poll() is None
        convert(MODELS / "qwen2", tmp_path / "qwen2", options=OPTIONS)
        process.stdout.read()
    assert process.returncode == 0
    assert names(tmp_path) == {"qwen2", "qwen2.5"}
    assert whole(tmp_path / "qwen2.5").model.model_type == "qwen3"
