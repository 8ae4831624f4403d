"""The error tree: what its docstring draws is what there is."""

import ast
import inspect
import re
from itertools import pairwise
from pathlib import Path

import pytest

from ondol import errors
from ondol.cli.diff import DIFFERENT
from ondol.errors import OndolError
from ondol.retrieval import errors as document_errors
from source_tree import PACKAGES, imports, modules, shown

MODULES = (errors, document_errors)
CLASSES: list[type[OndolError]] = [
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type)
    and issubclass(value, OndolError)
    and value.__module__ == module.__name__
]


def drawn() -> dict[str, tuple[str, int]]:
    """The docstrings' trees: each name with its parent's and, where it is said, its exit code."""
    found: dict[str, tuple[str, int]] = {"OndolError": ("", OndolError.exit_code)}
    above: list[tuple[int, str]] = []
    lines = "\n".join(module.__doc__ or "" for module in MODULES).splitlines()
    for line in lines:
        match = re.match(r"^([ │├└─]+)([A-Z]\w+)(?:\s+(\d+))?", line)
        if match is None:
            continue
        depth = len(match[1])
        above = [each for each in above if each[0] < depth]
        parent = above[-1][1] if above else ""
        code = int(match[3]) if match[3] else found[parent][1]
        found[match[2]] = (parent, code)
        above.append((depth, match[2]))
    return found


def test_the_docstring_draws_the_tree() -> None:
    real = {
        kind.__name__: (kind.__mro__[1].__name__ if kind is not OndolError else "", kind.exit_code)
        for kind in CLASSES
    }
    assert drawn() == real


@pytest.mark.parametrize("kind", CLASSES)
def test_an_error_says_what_why_and_the_fix(kind: type[OndolError]) -> None:
    made = kind("What.", "Why.", "Fix.")
    assert str(made) == "What.\nWhy.\nFix."
    assert (made.what, made.why, made.fix) == made.args
    assert str(kind("What.")) == "What."
    assert str(kind("What.", fix="Fix.")) == "What.\nFix."
    assert inspect.getdoc(kind)


def test_kinds_differ_by_exit_code() -> None:
    first = [kind for kind in CLASSES if kind.__mro__[1] is OndolError]
    codes = [kind.exit_code for kind in first]
    assert sorted(codes) == [code for code in range(2, 3 + len(first)) if code != DIFFERENT]


def test_errors_import_nothing() -> None:
    assert list(imports(PACKAGES["ondol"] / "errors.py")) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_asserts_or_swallows_everything(package: str) -> None:
    wrong = []
    for file in modules(PACKAGES[package]):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Assert):
                wrong.append(f"{shown(file)}:{node.lineno} assert")
            if isinstance(node, ast.ExceptHandler) and node.type is None:
                wrong.append(f"{shown(file)}:{node.lineno} bare except")
    assert wrong == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_broad_except_gives_its_reason(package: str) -> None:
    silent = []
    for file in modules(PACKAGES[package]):
        lines = [*file.read_text(encoding="utf-8").splitlines(), ""]
        for number, (line, following) in enumerate(pairwise(lines), 1):
            said = "#" in line or following.lstrip().startswith("#")
            if re.match(r"\s*except (Base)?Exception\b", line) and not said:
                silent.append((file, number))
    # One that cleans up and raises again needs no word
    unexplained = [
        f"{shown(file)}:{number}" for file, number in silent if not _raises_again(file, number)
    ]
    assert unexplained == []


def _raises_again(file: Path, number: int) -> bool:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    handlers = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.lineno == number
    ]
    last = handlers[0].body[-1]
    return isinstance(last, ast.Raise) and last.exc is None
