"""Who may import whom: devices and converters import the SDK, which names them by string only."""

from pathlib import Path

import pytest

from source_tree import PACKAGES, ROOT, imports, modules, shown

ALLOWED = {
    "ondol": {"ondol"},
    "ondol_converters": {"ondol", "ondol_converters"},
    "ondol_runtimes": {"ondol", "ondol_runtimes"},
}


def strangers(path: Path, allowed: set[str]) -> list[str]:
    return [
        f"{path.name}:{found.line} imports {found.module}"
        for found in imports(path)
        if found.top in PACKAGES and found.top not in allowed
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_along_the_arrows(package: str) -> None:
    files = modules(PACKAGES[package])
    assert files
    assert [line for file in files for line in strangers(file, ALLOWED[package])] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_are_absolute(package: str) -> None:
    relative = [
        f"{shown(file)}:{found.line}"
        for file in modules(PACKAGES[package])
        for found in imports(file)
        if found.module.startswith(".")
    ]
    assert relative == []


def test_no_package_imports_tests_or_benchmarks() -> None:
    outside = {path.stem for path in modules(ROOT / "tests") + modules(ROOT / "benchmarks")}
    outside |= {"tests", "benchmarks"}
    found = [
        f"{shown(file)}:{each.line} imports {each.module}"
        for folder in PACKAGES.values()
        for file in modules(folder)
        for each in imports(file)
        if each.third_party and each.top in outside
    ]
    assert found == []


def test_an_import_against_the_arrows_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "bad.py"
    file.write_text("def f():\n    if True:\n        from ondol_runtimes.cpu import CpuRuntime\n")
    assert strangers(file, ALLOWED["ondol"]) == ["bad.py:3 imports ondol_runtimes.cpu"]
    assert strangers(file, ALLOWED["ondol_runtimes"]) == []
