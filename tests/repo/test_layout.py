"""Where things are: one package per source root, a README per folder, files that fit a sitting."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from source_tree import PACKAGES, ROOT, SOURCE_ROOTS, modules, shown

FOLDERS = (*SOURCE_ROOTS, "tests", "benchmarks")
MOST_LINES = 300


def packages(folder: Path) -> set[str]:
    return {path.parent.name for path in folder.glob("*/__init__.py")}


def public_modules() -> list[str]:
    """Every module that has an `__all__`, by its name."""
    found = []
    for folder in PACKAGES.values():
        for path in modules(folder):
            if "__all__" in path.read_text(encoding="utf-8"):
                parts = path.relative_to(folder.parent).with_suffix("").parts
                found.append(".".join(part for part in parts if part != "__init__"))
    return found


def test_each_source_root_holds_one_package() -> None:
    assert {root: packages(ROOT / root) for root in SOURCE_ROOTS} == {
        "sdk": {"ondol"},
        "converters": {"ondol_converters"},
        "runtimes": {"ondol_runtimes"},
    }
    stray = [shown(path) for root in SOURCE_ROOTS for path in (ROOT / root).glob("*.py")]
    assert stray == []


def test_every_folder_of_a_package_is_a_package() -> None:
    folders = {path.parent for folder in PACKAGES.values() for path in modules(folder)}
    assert [shown(path) for path in folders if not (path / "__init__.py").is_file()] == []


@pytest.mark.parametrize("name", public_modules())
def test_all_names_what_can_be_imported(name: str) -> None:
    module = import_module(name)
    assert list(module.__all__) == sorted(set(module.__all__))
    missing = [each for each in module.__all__ if not hasattr(module, each)]
    assert missing == []


@pytest.mark.parametrize("name", PACKAGES)
def test_the_front_door_says_the_same_to_people_and_type_checkers(name: str) -> None:
    module = import_module(name)
    tree = ast.parse((PACKAGES[name] / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.If)
        for each in node.body
        if isinstance(each, ast.ImportFrom)
        for alias in each.names
    }
    assert typed == set(module.__all__)
    with pytest.raises(AttributeError):
        module.no_such_name  # noqa: B018


@pytest.mark.parametrize("name", PACKAGES)
def test_no_public_name_is_a_modules(name: str) -> None:
    """Importing the module would put it in the place of what the package calls so."""
    files = {path.stem for path in PACKAGES[name].iterdir()}
    assert files & set(import_module(name).__all__) == set()


def test_the_front_door_lists_its_names() -> None:
    import ondol

    assert dir(ondol) == sorted([*ondol.__all__, "__version__"])


@pytest.mark.parametrize("folder", [".", *FOLDERS])
def test_every_folder_has_a_readme(folder: str) -> None:
    assert (ROOT / folder / "README.md").is_file()


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_fits_in_one_sitting(folder: str) -> None:
    long = {
        shown(path): lines
        for path in modules(ROOT / folder)
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    bare = [
        shown(path)
        for folder in PACKAGES.values()
        for path in modules(folder)
        if path.name != "__init__.py"
        and ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) is None
    ]
    assert bare == []
