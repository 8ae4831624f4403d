import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import ondol.cli
from command_line import Ondol, environment
from ondol import __version__
from ondol.cli.app import COMMANDS, EXIT_CODES, GROUPS, run
from ondol.cli.assistant import UNMET
from ondol.cli.diff import DIFFERENT
from ondol.errors import OndolError

HEAVY = ("numpy", "onnxruntime", "onnx", "tokenizers", "jinja2", "ondol_converters")
LOADED = (
    "import sys; from ondol.cli import main; sys.argv = ['ondol', *{arguments!r}]\n"
    "try: main()\n"
    "except SystemExit as end: code = end.code\n"
    "print(code, *sorted(set({heavy!r}) & set(sys.modules)), file=sys.stderr)"
)


def _kinds(kind: type[OndolError]) -> set[int]:
    return {kind.exit_code}.union(*map(_kinds, kind.__subclasses__()))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["chat", "--help"], ["devices"]])
def test_help_imports_nothing_heavy(arguments: list[str], home: Path) -> None:
    code = LOADED.format(arguments=arguments, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, env=environment(), check=True
    )
    found = done.stderr.decode().splitlines()[-1].split()
    # the oracle's probe looks at numpy and onnx; no probe loads an engine
    allowed = {"numpy", "onnx"} if arguments == ["devices"] else set()
    assert found[0] == "0" and set(found[1:]) <= allowed


def test_help_and_docstring_name_every_exit_code(ondol: Ondol) -> None:
    import_module("ondol.retrieval.errors")  # whose kinds are known once it is imported
    codes = {int(code) for code, _ in EXIT_CODES}
    assert codes == _kinds(OndolError) | {0, DIFFERENT, UNMET, 130, 141}
    documented = re.findall(r"^    (\d+) ", ondol_docstring(), re.MULTILINE)
    assert {int(code) for code in documented} == codes
    shown = re.sub(r"\s+", " ", ondol("--help").out)
    for code, meaning in EXIT_CODES:
        assert f"{code} {meaning}" in shown


def ondol_docstring() -> str:
    return ondol.cli.__doc__ or ""


@pytest.mark.parametrize("command", [command.__name__ for command, _ in COMMANDS])
def test_every_command_has_help(command: str, ondol: Ondol) -> None:
    done = ondol(command, "--help")
    assert done.code == 0 and f"ondol {command}" in done.out and done.err == ""


def test_no_command_is_help_and_the_version_is_the_packages(ondol: Ondol) -> None:
    assert "convert" in ondol().out
    assert ondol("--version").out == f"ondol {__version__}\n"


@pytest.mark.parametrize(
    ("group", "command"), [(name, each[0]) for name, inner, _ in GROUPS for each in inner]
)
def test_every_command_of_a_group_has_help(group: str, command: str, ondol: Ondol) -> None:
    done = ondol(group, command, "--help")
    assert done.code == 0 and f"ondol {group} {command}" in done.out and done.err == ""
    assert command in ondol(group, "--help").out


@pytest.mark.parametrize(
    ("arguments", "language", "text"),
    [
        (("--help",), "ko_KR.UTF-8", "모델을 번들로 변환합니다"),
        (("chat", "--help"), "ko", "이 말에만 답하고"),
        (("--help", "--lang", "en"), "ko", "Convert a model into a bundle"),
        (("--lang=ko", "chat", "--help"), "en", "옵션"),
        (("devices", "--lang", "ko"), "en", "장치"),
        (("--help",), "fr_FR.UTF-8", "Exit codes"),
    ],
)
def test_help_follows_the_language(
    arguments: tuple[str, ...],
    language: str,
    text: str,
    process: Ondol,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ONDOL_LANG", language)
    done = process(*arguments)
    assert done.code == 0 and text in done.out


def test_the_module_is_the_command(home: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ondol.cli", "--version"],
        capture_output=True,
        env=environment(),
        check=True,
    )
    assert done.stdout.decode().strip() == f"ondol {__version__}"


def test_global_words_after_two_dashes_are_left_alone(ondol: Ondol) -> None:
    done = ondol("inspect", "--", "--debug")
    assert done.code == 4 and "'--debug'" in done.err and "Traceback" not in done.err
    assert run(["inspect", "base", "--lang", "ko"]) == 0
