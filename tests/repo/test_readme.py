"""What the READMEs tell people to type really works."""

import ast
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from ondol.bundle import Bundle
from ondol.starter import STARTERS
from ondol_converters.conversion import convert
from ondol_converters.recipe import Options
from source_tree import ROOT
from tiny_gguf import write_gguf
from tiny_models import MODELS

READMES = ("README.md", "README.ko.md", "sdk/docs/assistant.md")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ASSIGNMENT = re.compile(r"[A-Z_]+=.*")
OTHERS = {"apt-get", "brew", "cd", "git", "python", "python3", "source", "sudo"}
OPENERS = {"Bundle.open", "Engine.open", "convert", "find", "store.find"}


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its file and line, and its text."""

    file: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def blocks(name: str, text: str) -> list[Block]:
    return [
        Block(name, text.count("\n", 0, found.start()) + 1, found[1], found[2])
        for found in FENCE.finditer(text)
    ]


def commands(block: Block) -> list[list[str]]:
    """A block's commands as words, comments and variables in front left out."""
    found = []
    lines = block.text.replace("\\\n", " ").splitlines()
    for line in lines:
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while "&&" in words:
            found.append(words[: words.index("&&")])
            words = words[words.index("&&") + 1 :]
        found.append(words)
    for words in found:
        while words and ASSIGNMENT.fullmatch(words[0]):
            del words[0]
    return [words for words in found if words]


def check_command(words: list[str]) -> None:
    """Raise where a command's target, option or extra is not there."""
    program, *arguments = words
    if program == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        named = {word for word in arguments if not ASSIGNMENT.fullmatch(word)}
        assert named <= targets, f"no such target: {named - targets}"
    elif program == "ondol":
        pytest.importorskip("typer")
        from ondol.cli.app import run

        assert run([*arguments, "--help"]) == 0, f"not understood: {shlex.join(words)}"
    elif program == "pip":
        project = (ROOT / "pyproject.toml").read_text()
        extras = set(re.findall(r"^([a-z]+) = \[", project, re.MULTILINE))
        for wanted in re.findall(r"\[([\w,]+)\]", " ".join(arguments)):
            assert set(wanted.split(",")) <= extras, wanted
    else:
        assert program in OTHERS or program.startswith((".", "/")), f"unknown: {program}"


def every(language: str) -> list[Block]:
    present = [name for name in READMES if (ROOT / name).is_file()]
    found = [block for name in present for block in blocks(name, (ROOT / name).read_text())]
    return [block for block in found if block.language == language]


@pytest.mark.parametrize("block", every("bash"), ids=str)
def test_commands_exist(block: Block) -> None:
    for words in commands(block):
        check_command(words)


def test_the_two_commands_come_first() -> None:
    typed = [words for block in every("bash") for words in commands(block)]
    made = [words[1] for words in typed if words[0] == "make"]
    assert made[:2] == ["assistant", "test"] or made[:3] == ["assistant", "assistant", "test"]


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tiny models under the names that READMEs use."""
    root = tmp_path_factory.mktemp("readme")
    (root / "home" / "bundles").mkdir(parents=True)
    made = convert(MODELS / "qwen3", root / "tiny", options=Options(context=256)).bundle
    for name in STARTERS:
        link(root / "home" / "bundles" / name, made)
    return root


def link(path: Path, bundle: Bundle) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.symlink_to(bundle.path, target_is_directory=True)


def named(code: str) -> list[str]:
    """The relative paths that code opens or converts: the first argument, as a literal."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    found = []
    for call in calls:
        first = call.args[0] if call.args else None
        while isinstance(first, ast.Call) and first.args:  # Path("...")
            first = first.args[0]
        if ast.unparse(call.func) in OPENERS and isinstance(first, ast.Constant):
            found.append(str(first.value))
    return [name for name in found if name and not Path(name).is_absolute()]


def run_code(code: str, bench: Path) -> str:
    """What code prints where the models it names are there."""
    for name in named(code):
        if name.endswith(".gguf"):
            write_gguf("qwen3", bench / name)
        else:
            link(bench / name, Bundle.open(bench / "tiny"))
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=bench,
        env={**os.environ, "ONDOL_HOME": str(bench / "home"), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("block", every("python"), ids=str)
def test_code_runs(block: Block, bench: Path) -> None:
    run_code(block.text, bench)


def test_blocks_and_commands_are_found() -> None:
    code = "# why\n$ make test && make bench X=1\nASK='b c' make assistant \\\n  V=2\n"
    text = f"a\n```bash\n{code}```\n"
    (block,) = blocks("README.md", text)
    assert str(block) == "README.md:2"
    assert commands(block) == [
        ["make", "test"],
        ["make", "bench", "X=1"],
        ["make", "assistant", "V=2"],
    ]


@pytest.mark.parametrize(
    "words", [["make", "coffee"], ["pip", "install", "ondol[sugar]"], ["conda", "install"]]
)
def test_what_does_not_exist_is_noticed(words: list[str]) -> None:
    with pytest.raises(AssertionError):
        check_command(words)


def test_an_option_that_does_not_exist_is_noticed() -> None:
    pytest.importorskip("typer")
    check_command(["ondol", "chat", "--once", "안녕"])
    with pytest.raises(AssertionError):
        check_command(["ondol", "chat", "--sugar"])
    with pytest.raises(AssertionError):
        check_command(["ondol", "brew"])


def test_code_that_fails_is_noticed(bench: Path) -> None:
    code = (
        "from ondol import Engine\nwith Engine.open('model') as engine:\n    print(engine.device)"
    )
    assert named(code) == ["model"]
    assert run_code(code, bench) == "cpu\n"
    with pytest.raises(AssertionError, match="Coffee"):
        run_code("from ondol import Coffee", bench)
