"""ADDING_A_FAMILY.md, followed to the letter: a model nobody knows becomes a right bundle."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

import ondol_converters
from made_up_model import write_onmaru
from tiny_models import MODELS

PAGE = Path(ondol_converters.__file__).with_name("ADDING_A_FAMILY.md")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(PAGE.read_text("utf-8")) if name == language]


def typed(number: int) -> list[str]:
    """What the page tells people to type, as arguments of `ondol`."""
    command, *arguments = blocks("")[number].split()
    assert command == "ondol"
    return arguments


def install(folder: Path, name: str, code: str, project: str) -> None:
    """What `pip install .` leaves of a package: its code, and its entry points beside."""
    package = folder / name
    package.mkdir()
    (package / "__init__.py").write_text(code, "utf-8")
    about = tomllib.loads(project)["project"]
    info = folder / f"{name}-{about['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
    )
    lines = []
    for group, entries in about["entry-points"].items():
        lines += [f"[{group}]", *(f"{key} = {value}" for key, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    write_onmaru(tmp_path / "onmaru")
    (tmp_path / "expected.npz").write_bytes((MODELS / "qwen3" / "expected.npz").read_bytes())
    (tmp_path / "site").mkdir()
    return tmp_path


@pytest.fixture
def run(work: Path) -> Run:
    paths = os.pathsep.join([str(work / "site"), *filter(None, sys.path)])

    def call(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, *arguments]
        env = {**os.environ, "PYTHONPATH": paths, "PYTHONUTF8": "1"}
        return subprocess.run(
            command, cwd=work, env=env, capture_output=True, text=True, check=False
        )

    return call


def test_the_page_adds_a_family_from_outside(work: Path, run: Run) -> None:
    refused = run("-m", "ondol.cli", *typed(0))
    assert refused.returncode == 3
    said, reference = blocks("text")
    assert "np.savez" in reference
    for line in said.splitlines():
        assert line in refused.stderr
    assert str(PAGE) in refused.stderr

    code, check = blocks("python")
    install(work / "site", "onmaru_family", code, blocks("toml")[0])
    listed = run("-m", "ondol.cli", "families", "--json")
    row = next(r for r in json.loads(listed.stdout)["families"] if r["name"] == "onmaru")
    assert row["fault"] == "" and row["sources"] == ["huggingface"]
    assert row["models"][0]["licence_kind"] == "commercial"

    made = run("-m", "ondol.cli", *typed(1))
    assert made.returncode == 0, made.stderr
    (work / "check.py").write_text(check, "utf-8")
    checked = run("check.py")
    assert checked.returncode == 0, checked.stderr
    assert float(checked.stdout) < 2e-5  # float32 sums in another order, as in test_parity


def test_the_check_of_the_page_can_fail(work: Path, run: Run) -> None:
    code, check = blocks("python")
    wrong = code.replace('"blocks.{i}.ffn.gate"', '"?"').replace('.up"', '.gate"')
    install(
        work / "site",
        "onmaru_family",
        wrong.replace('"?"', '"blocks.{i}.ffn.up"'),
        blocks("toml")[0],
    )
    assert run("-m", "ondol.cli", *typed(1)).returncode == 0
    (work / "check.py").write_text(check, "utf-8")
    assert run("check.py").returncode == 1


@pytest.mark.parametrize(
    "code",
    ["raise RuntimeError('torn')", "FAMILY = 'no family'", "import no_such_package"],
)
def test_a_package_whose_family_is_broken_is_named(work: Path, run: Run, code: str) -> None:
    install(work / "site", "onmaru_family", code, blocks("toml")[0])
    listed = run("-m", "ondol.cli", "families", "--json")
    assert listed.returncode == 0
    rows = {row["name"]: row for row in json.loads(listed.stdout)["families"]}
    assert "onmaru_family:FAMILY" in rows["onmaru"]["fault"] and rows["llama"]["fault"] == ""
    refused = run("-m", "ondol.cli", *typed(0))
    assert refused.returncode == 3 and "onmaru_family:FAMILY" in refused.stderr


def test_a_family_of_ours_cannot_be_taken_over(work: Path, run: Run) -> None:
    code = "FAMILY = 'mine'"
    install(work / "site", "thief", code, blocks("toml")[0].replace("onmaru =", "qwen3 ="))
    rows = json.loads(run("-m", "ondol.cli", "families", "--json").stdout)["families"]
    assert [row["fault"] for row in rows if row["name"] == "qwen3"] == [""]
