"""Heavy packages stay behind the extra that names them."""

import re
import tomllib
from pathlib import Path

import pytest

from source_tree import PACKAGES, ROOT, Imported, imports, modules, shown

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]

FENCES = {
    "sdk/ondol": "",
    "sdk/ondol/cli": "cli",
    "sdk/ondol/grammar": "guided",
    "sdk/ondol/server": "server",
    "sdk/ondol/retrieval/readers": "documents",
    "converters/ondol_converters": "converters",
    "converters/ondol_converters/circle": "converters one",
    "converters/ondol_converters/encoders": "converters reference",
    "converters/ondol_converters/hub": "pull",
    "converters/ondol_converters/sweep": "sweep",
    "runtimes/ondol_runtimes": "",
}
"""What may be imported below a folder besides the base: extras. The longest folder counts."""

OTHER_NAMES = {
    "markdown_it_py": "markdown_it",
    "optimum_onnx": "optimum",
    "python_docx": "docx",
}
"""What packages are called in code where it is another name."""

OPTIONAL = {
    ("runtimes/ondol_runtimes/one/prepared.py", "onert"),
    ("runtimes/ondol_runtimes/openvino/door.py", "openvino"),
    ("runtimes/ondol_runtimes/_program.py", "onnx"),
    ("runtimes/ondol_runtimes/aim/chart.py", "matplotlib"),
    ("runtimes/ondol_runtimes/aim/workload.py", "onnx"),
    ("runtimes/ondol_runtimes/costs.py", "onnx"),
    ("runtimes/ondol_runtimes/qnn/check.py", "onnxruntime_qnn"),
    ("runtimes/ondol_runtimes/qnn/plugin.py", "onnxruntime_qnn"),
    ("sdk/ondol/hangul/spacing.py", "kiwipiepy"),
    ("sdk/ondol/retrieval/sentences.py", "kiwipiepy"),
    ("sdk/ondol/signing/private.py", "cryptography"),
}
"""Imports of another extra's package, only inside functions, where its absence is reported."""


def import_names(requirements: list[str]) -> set[str]:
    """What requirements are called in code; of these packages, the same but for dashes."""
    found = (re.match(r"[A-Za-z0-9._-]+", line) for line in requirements)
    names = {match.group().lower().replace("-", "_") for match in found if match}
    return {OTHER_NAMES.get(name, name) for name in names}


BASE = import_names(PROJECT["dependencies"])


def fence(path: Path) -> set[str]:
    """The third-party packages that a file may import."""
    name = shown(path)
    folder = max((at for at in FENCES if name.startswith(at + "/")), key=len)
    return BASE.union(*(import_names(EXTRAS[extra]) for extra in FENCES[folder].split()))


def beyond(path: Path, found: Imported) -> bool:
    if not found.third_party or found.top in fence(path):
        return False
    return (shown(path), found.top) not in OPTIONAL or found.runs


def test_the_base_is_small() -> None:
    assert {"jinja2", "numpy", "onnxruntime", "tokenizers"} == BASE


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_is_of_the_base_or_its_own_extra(package: str) -> None:
    wrong = [
        f"{shown(file)}:{found.line} imports {found.module}"
        for file in modules(PACKAGES[package])
        for found in imports(file)
        if beyond(file, found)
    ]
    assert wrong == []


def test_what_is_declared_is_used() -> None:
    places = [*PACKAGES.values(), ROOT / "tests"]
    used = {each.top for place in places for file in modules(place) for each in imports(file)}
    assert BASE - used == set()
    assert import_names(EXTRAS["cli"] + EXTRAS["converters"]) - used == set()


def test_the_starter_wheels_are_pinned_and_never_imported() -> None:
    pinned = re.compile(r"[a-z0-9-]+==[0-9.]+( ; .+)?")
    assert all(pinned.fullmatch(line) for line in EXTRAS["starter"])
    names = import_names(EXTRAS["starter"])
    everywhere = [*PACKAGES.values(), ROOT / "tests", ROOT / "benchmarks"]
    used = {each.top for place in everywhere for file in modules(place) for each in imports(file)}
    assert used & names == set()


def test_the_starter_extra_is_what_the_sdk_looks_for() -> None:
    from ondol.starter import STARTERS

    parts = [part for starter in STARTERS.values() for part in starter.parts]
    parts += [s.licence_part for s in STARTERS.values() if s.licence_part]
    wanted = {f"{part.distribution}=={part.version}" for part in parts}
    assert wanted == {line.partition(" ;")[0] for line in EXTRAS["starter"]}


def test_a_package_of_another_extra_is_noticed() -> None:
    path = PACKAGES["ondol"] / "engine.py"
    assert beyond(path, Imported("onnx.helper", 1, False))
    assert beyond(path, Imported("rich", 1, False))
    assert beyond(PACKAGES["ondol_runtimes"] / "_program.py", Imported("onnx", 1, True))
    assert not beyond(PACKAGES["ondol_runtimes"] / "_program.py", Imported("onnx", 1, False))
    assert not beyond(path, Imported("numpy", 1, False))
