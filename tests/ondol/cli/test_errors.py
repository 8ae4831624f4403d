"""Every exit code, each reached by what a user could really do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from command_line import ACTING, Ondol, environment
from ondol.starter import STARTERS, Part, Starter

NO_CONVERTERS = (
    "import sys; sys.modules['onnx'] = None; sys.argv = ['ondol', 'convert', {model!r}, '--json'];"
    "from ondol.cli import main; main()"
)
NO_RICH = "import sys; sys.modules['rich'] = None; from ondol.cli import main; main()"


@pytest.mark.parametrize(
    ("code", "kind", "arguments"),
    [
        (1, "Unexpected", ("chat", "base", "--once", "a", "--device", "broken")),
        (2, "OptionError", ("chat", "base", "--once", "a", "--context", "0")),
        (2, "OptionError", ("chat", "base", "--once", "a", "--top-p", "0.5")),
        (2, "OptionError", ("chat", "base", "--once", "a", "--temperature", "-1")),
        (2, "OptionError", ("chat", "base", "--once", "a", "--system", "b")),
        (2, "OptionError", ("chat", "base", "--once", "a", "--threads", "many")),
        (2, "OptionError", ("chat", "base")),
        (2, "OptionError", ("chat", "--no-such-option")),
        (2, "OptionError", ("convert", "x", "--out", "a", "--name", "b")),
        (2, "OptionError", ("convert", "x", "--name", "../up")),
        (2, "OptionError", ("convert", "x", "--target", "toaster")),
        (2, "OptionError", ("convert", "x", "--weights", "int3")),
        (2, "OptionError", ("verify",)),
        (2, "OptionError", ("verify", "base", "--all")),
        (2, "OptionError", ("bench", "base", "--rounds", "0")),
        (2, "OptionError", ("bench", "base", "--prompt-tokens", "1000")),
        (2, "OptionError", ("inspect",)),
        (2, "OptionError", ("nonsense",)),
        (2, "OptionError", ("--lang", "fr", "devices")),
        (3, "SourceError", ("convert", "no/such/model.gguf")),
        (3, "CorruptSource", ("convert", __file__)),
        (4, "BundleNotFound", ("inspect", "nothing")),
        (4, "BundleNotFound", ("chat", "nothing", "--once", "a")),
        (4, "BundleNotFound", ("chat", __file__, "--once", "a")),
        (5, "UnknownDevice", ("chat", "base", "--once", "a", "--device", "toaster")),
        (6, "BadPrompt", ("chat", "base", "--once", " ")),
        (6, "BadPrompt", ("chat", "base", "--once", "\udcff")),
        (6, "ContextFull", ("chat", "talker", "--once", "가나다 " * 200)),
        (8, "MissingExtra", ("convert", "absent-starter")),
        (8, "MissingExtra", ("chat", "absent-starter", "--once", "a")),
    ],
)
def test_every_error_has_its_code_and_its_lines(
    code: int,
    kind: str,
    arguments: tuple[str, ...],
    ondol: Ondol,
    broken_device: str,
    absent_starter: str,
) -> None:
    done = ondol(*arguments, "--json")
    assert done.code == code
    error = done.json["error"]
    assert set(error) == {"kind", "what", "why", "fix"} and error["kind"] == kind
    said = [error[part] for part in ("what", "why", "fix") if error[part]]
    assert done.err.splitlines()[-len(said) :] == said
    assert "Traceback" not in done.err and error["what"]


@pytest.fixture
def absent_starter(monkeypatch: pytest.MonkeyPatch) -> str:
    """A starter whose weights no package here holds."""
    starter = Starter(
        name="absent-starter",
        title="Absent",
        file="a.gguf",
        size=1,
        sha256="0" * 64,
        parts=(Part("ondol-has-no-such-package", "1", "a"),),
        chats=True,
        system="",
        licence="Apache-2.0",
        licence_kind="commercial",
        licence_part=None,
        licence_note="",
        provenance="",
    )
    monkeypatch.setitem(STARTERS, starter.name, starter)
    return starter.name


def test_a_refusing_disk_is_code_7(ondol: Ondol, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    model = Path(__file__).parents[2] / "fixtures" / "models" / "qwen2"
    done = ondol("convert", str(model), "--out", str(tmp_path / "file" / "bundle"), "--json")
    assert (done.code, done.json["error"]["kind"]) == (7, "StorageError")


def test_a_flipped_byte_is_code_4_and_names_the_file(ondol: Ondol, home: Path) -> None:
    weights = home / "bundles" / "talker" / "weights.bin"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    done = ondol("verify", "talker", "--json")
    assert (done.code, done.json["error"]["kind"]) == (4, "CorruptBundle")
    assert "weights.bin" in done.json["error"]["what"]
    every = ondol("verify", "--all", "--json")
    assert every.code == 4
    assert [(b["name"], b["whole"]) for b in every.json["bundles"]] == [
        ("base", True),
        ("talker", False),
    ]
    assert "weights.bin" in every.json["bundles"][1]["error"]["what"]
    shown = ondol("verify", "--all")
    assert shown.code == 4 and "weights.bin" in shown.out and "whole" in shown.out


def test_debug_shows_where_and_stands_anywhere(ondol: Ondol, broken_device: str) -> None:
    failing = ("chat", "base", "--once", "a", "--device", broken_device)
    plain = ondol(*failing)
    assert plain.out == ""
    lines = plain.err.splitlines()
    assert len([line for line in lines if "no_such_module_of_ondol" in line]) == 1
    assert "--debug" in lines[-1]
    for arguments in (("--debug", *failing), (*failing, "--debug")):
        assert "Traceback" in ondol(*arguments).err


def test_markup_and_control_characters_in_an_error_are_literal(ondol: Ondol) -> None:
    done = ondol("inspect", "[red]x\x1b[2J")
    assert "[red]x" in done.err and "\x1b" not in done.err


def test_errors_are_korean_where_asked(ondol: Ondol, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONDOL_LANG", "ko")
    assert "번들이 없습니다" in ondol("inspect", "nothing").err
    usage = ondol("chat", "--no-such-option").err
    assert "옵션이 올바르지 않습니다" in usage and "--no-such-option" in usage


def test_without_rich_one_line_says_what_to_install(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", NO_RICH], capture_output=True, env=environment(), check=False
    )
    assert done.returncode == 8 and done.stdout == b""
    assert len(done.stderr.splitlines()) == 1
    assert 'pip install "ondol[cli]"' in done.stderr.decode()


def test_without_the_converters_their_extra_is_named(home: Path) -> None:
    model = Path(__file__).parents[2] / "fixtures" / "models" / "qwen2"
    code = NO_CONVERTERS.format(model=str(model))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment(), check=False
    )
    assert done.returncode == 8
    assert 'pip install "ondol[converters]"' in done.stderr.decode()
    assert b"onnx" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="closing a pipe early is a signal only on POSIX")
def test_a_reader_that_leaves_is_quiet(home: Path) -> None:
    command = [sys.executable, str(ACTING), "inspect", "talker"]
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            command, stdout=write, stderr=subprocess.PIPE, env=environment(), check=False
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")
