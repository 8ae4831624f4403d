"""`ondol embed`: the folder answers as the command does, where there is only Python and numpy."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest
import tokenizers

from command_line import Ondol
from graph_bundle import encoder_bundle
from ondol.bundle import Bundle
from ondol.embedded import example
from ondol.embedded import folder as embedding
from ondol.embedded.modules import needed
from ondol_runtimes.capi import find
from weights import starter_bundle

QUESTION = "안녕하세요?"
EVERY = """
import importlib, pathlib, sys
root = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(root))
for package in ("ondol", "ondol_runtimes", "jinja2", "markupsafe"):
    for path in sorted((root / package).rglob("*.py")):
        name = ".".join(path.relative_to(root).with_suffix("").parts)
        importlib.import_module(name.removesuffix(".__init__"))
print(len(sys.modules))
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has numpy and not one package more."""
    root = tmp_path_factory.mktemp("bare") / "venv"
    venv.create(root, symlinks=os.name != "nt")
    packages = next(root.rglob("site-packages"))
    source = Path(np.__file__).parent
    for path in (source, source.with_name("numpy.libs")):
        if path.is_dir():
            (packages / path.name).symlink_to(path)
    python = next(path for path in root.rglob("python*") if path.parent.name in ("bin", "Scripts"))
    done = answer(python, "-c", "import numpy; import tokenizers")
    assert done.returncode == 1 and "No module named 'tokenizers'" in done.stderr
    return python


def answer(python: Path, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.defpath, "HOME": "/nonexistent", "PYTHONUTF8": "1"}
    return subprocess.run(
        [str(python), *arguments],
        capture_output=True,
        input=stdin,
        text=True,
        encoding="utf-8",
        env=environment,
        timeout=120,
        check=False,
    )


def small(folder: Path) -> Path:
    """What passes for another processor's library, where nothing is to run."""
    path = folder / "libonnxruntime.so"
    path.write_bytes(b"\x7fELF OrtGetApiBase")
    return path


@pytest.fixture
def made(ondol: Ondol, tmp_path: Path) -> Path:
    done = ondol("embed", "talker", "--out", str(tmp_path / "made"), "--json")
    assert done.code == 0, done.err
    where = tmp_path / "moved 기기"  # it may lie anywhere
    (tmp_path / "made").rename(where)
    return where


def test_the_answer_is_the_commands(made: Path, bare: Path, ondol: Ondol) -> None:
    done = answer(bare, str(made / "chat.py"), QUESTION)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert done.stdout == ondol("chat", "talker", "--once", QUESTION, "--json").json["text"] + "\n"
    assert len(done.stdout) > 10
    typed = answer(bare, str(made / "chat.py"), stdin=f"{QUESTION}\n\n")
    assert typed.stdout.replace("> ", "") == done.stdout


def test_every_module_of_it_can_be_imported(made: Path, bare: Path) -> None:
    done = answer(bare, "-c", EVERY, str(made))
    assert done.returncode == 0, done.stderr


def test_no_module_too_many(made: Path) -> None:
    held = {path.relative_to(made).as_posix() for path in made.rglob("*.py")}
    assert "ondol/engine.py" in held and "ondol_runtimes/capi/library.py" in held
    for stranger in ("ondol/cli", "ondol/evaluation", "ondol_runtimes/_package.py", "ondol/speech"):
        assert not any(name.startswith(stranger) for name in held)
    others = needed(embedding.ROOTS, (*embedding.OURS, *embedding.TEMPLATES)).others
    # what a device has, and what is asked for only where it is installed
    assert others - set(sys.stdlib_module_names) == {"numpy", "tokenizers"}


def test_the_example_is_short() -> None:
    assert len(Path(example.__file__).read_text().splitlines()) <= 30


def test_the_parts_are_all_there_is(ondol: Ondol, tmp_path: Path) -> None:
    done = ondol("embed", "talker", "--out", str(tmp_path / "a"), "--json").json
    files = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert done["size_bytes"] == sum(path.stat().st_size for path in files)
    assert sum(part["files"] for part in done["parts"]) == len(files)
    assert done["path"] == str(tmp_path / "a")
    assert all(part["size_bytes"] > 0 for part in done["parts"]) and done["notes"] == []
    owners = {path.name for path in (tmp_path / "a" / "licences").iterdir()}
    assert owners == {"ondol", "jinja2", "markupsafe", "onnxruntime"}
    assert {path.name for path in (tmp_path / "a").iterdir()} == {
        *("bundle", "chat.py", "jinja2", "lib", "licences", "markupsafe", "ondol"),
        "ondol_runtimes",
    }


def test_a_bundle_without_a_template_needs_no_jinja2(
    ondol: Ondol, tmp_path: Path, bare: Path
) -> None:
    shown = ondol("embed", "base", "--out", str(tmp_path / "a"))
    assert shown.code == 0 and "chat.py" in shown.err and "weights" in shown.out
    assert not (tmp_path / "a" / "jinja2").exists()
    assert answer(bare, str(tmp_path / "a" / "chat.py"), "가나다").returncode == 0


def test_a_packed_bundle_is_unpacked(ondol: Ondol, tmp_path: Path) -> None:
    ondol("pack", "talker", "--out", str(tmp_path / "a.ondol"))
    named = ("--library", str(small(tmp_path)))
    assert ondol("embed", str(tmp_path / "a.ondol"), "--out", str(tmp_path / "a"), *named).code == 0
    assert ondol("verify", str(tmp_path / "a" / "bundle")).code == 0


def test_what_is_there_is_left_alone(ondol: Ondol, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mine").write_text("x")
    done = ondol("embed", "talker", "--out", str(tmp_path / "a"))
    assert done.code == 2 and "there already" in done.err
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["mine"]


def test_an_encoder_is_refused(ondol: Ondol, tmp_path: Path) -> None:
    encoder = encoder_bundle(tmp_path / "mean").path
    done = ondol("embed", str(encoder), "--out", str(tmp_path / "a"))
    assert done.code == 4 and "no text generator" in done.err


def changed(bundle: Path, tokenizer: bytes | None) -> None:
    """The bundle without its table, and with another tokenizer if one is given."""
    if tokenizer is not None:
        (bundle / "tokenizer.json").write_bytes(tokenizer)
    data = json.loads((bundle / "manifest.json").read_text())
    data["files"] = [each for each in data["files"] if each["path"] != "tokenizer.bin"]
    for each in data["files"]:
        if each["path"] == "tokenizer.json" and tokenizer is not None:
            each |= {"size": len(tokenizer), "sha256": hashlib.sha256(tokenizer).hexdigest()}
    (bundle / "manifest.json").write_text(json.dumps(data))
    assert Bundle.open(bundle).size > 0


def test_a_bundle_of_before_makes_its_table_each_time(
    ondol: Ondol, home: Path, tmp_path: Path, bare: Path
) -> None:
    changed(home / "bundles" / "talker", None)
    done = ondol("embed", "talker", "--out", str(tmp_path / "a"), "--json").json
    assert len(done["notes"]) == 1 and "Convert the model again" in done["notes"][0]
    said = ondol("chat", "talker", "--once", QUESTION, "--json").json["text"]
    assert answer(bare, str(tmp_path / "a" / "chat.py"), QUESTION).stdout == said + "\n"


def test_a_tokenizer_that_needs_the_library_is_refused(
    ondol: Ondol, home: Path, tmp_path: Path
) -> None:
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"[UNK]": 0, "가": 1}, "[UNK]"))
    changed(home / "bundles" / "talker", words.to_str().encode())
    done = ondol("embed", "talker", "--out", str(tmp_path / "a"))
    assert done.code == 4 and "tokenizers library" in done.err
    assert not (tmp_path / "a").exists()


def test_a_named_library_is_copied_unless_it_is_none(ondol: Ondol, tmp_path: Path) -> None:
    path = find.locate()
    assert path is not None
    named = shutil.copy(path, tmp_path / "libonnxruntime.so.1.99")
    done = ondol("embed", "talker", "--out", str(tmp_path / "a"), "--library", str(named), "--json")
    assert done.code == 0 and (tmp_path / "a" / "lib" / "libonnxruntime.so").is_file()
    said = " ".join(done.json["notes"])
    assert "not tried" in said and "No licence text of onnxruntime" in said
    (tmp_path / "text").write_text("온돌")
    for name in ("text", "gone", "."):
        wrong = ("--library", str(tmp_path / name))
        done = ondol("embed", "talker", "--out", str(tmp_path / "b"), *wrong)
        assert done.code == 2 and "is no ONNX Runtime" in done.err
    assert not (tmp_path / "b").exists()


def test_no_library_is_a_device_error(
    ondol: Ondol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(find.VARIABLE, str(tmp_path / "gone.so"))
    done = ondol("embed", "talker", "--out", str(tmp_path / "a"))
    assert done.code == 5 and "--library" in done.err and not (tmp_path / "a").exists()


def test_nothing_is_left_where_the_bundle_is_broken(
    ondol: Ondol, home: Path, tmp_path: Path
) -> None:
    weights = home / "bundles" / "talker" / "weights.bin"
    raw = bytearray(weights.read_bytes())
    raw[100] ^= 1
    weights.write_bytes(raw)
    out = tmp_path / "out"
    out.mkdir()
    done = ondol("embed", "talker", "--out", str(out / "a"))
    assert done.code == 4 and "weights.bin" in done.err
    assert [path.name for path in out.iterdir()] == [".a.lock"]


def test_a_full_disk_leaves_nothing(
    ondol: Ondol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedding, "_put", full)
    out = tmp_path / "out"
    out.mkdir()
    assert ondol("embed", "talker", "--out", str(out / "a")).code == 7
    assert [path.name for path in out.iterdir()] == [".a.lock"]


def test_korean(ondol: Ondol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    named = ("--library", str(small(tmp_path)))
    done = ondol("embed", "talker", "--out", str(tmp_path / "a"), *named)
    assert "엔진 라이브러리" in done.out and "numpy만" in done.err
    assert "이미 있습니다" in ondol("embed", "talker", "--out", str(tmp_path / "a")).err


@pytest.mark.weights
def test_a_starter_answers_without_a_package(ondol: Ondol, tmp_path: Path, bare: Path) -> None:
    bundle = str(starter_bundle("gemma").path)
    assert ondol("embed", bundle, "--out", str(tmp_path / "a")).code == 0
    said = ondol("chat", bundle, "--once", "1 더하기 1은?", "--max-tokens", "256", "--json")
    done = answer(bare, str(tmp_path / "a" / "chat.py"), "1 더하기 1은?")
    assert done.stdout == said.json["text"] + "\n", done.stderr
