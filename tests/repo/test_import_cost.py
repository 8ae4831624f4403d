"""Importing Ondol, and naming a device, loads nothing heavy."""

import json
import subprocess
import sys

import pytest

SHOWS = "import json, sys; print(json.dumps(sorted(sys.modules)))"

ENGINES = {"numpy", "onnxruntime", "tokenizers", "onnx", "gguf", "jinja2"}
OURS = {"ondol_runtimes", "ondol_converters"}
SCREENS = {"typer", "click", "rich"}


def loaded(code: str) -> set[str]:
    """The modules that a fresh interpreter holds after running some code."""
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{code}\n{SHOWS}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "module",
    [
        "ondol",
        "ondol.bundle",
        "ondol.device",
        "ondol.encoder",
        "ondol.errors",
        "ondol.hangul",
        "ondol.language",
        "ondol.manifest",
        "ondol.plan",
        "ondol.privacy",
        "ondol.registry",
        "ondol.runtime",
        "ondol.sampling",
        "ondol.server.settings",
        "ondol.speech",
        "ondol.starter",
        "ondol.store",
        "ondol.tokenizer",
    ],
)
def test_importing_the_sdk_loads_nothing_heavy(module: str) -> None:
    found = loaded(f"import {module}")
    assert module in found
    assert found & (ENGINES | OURS | SCREENS) == set()


@pytest.mark.parametrize("module", ["ondol_runtimes", "ondol_converters", "ondol_runtimes.cpu"])
def test_importing_the_others_loads_nothing_heavy(module: str) -> None:
    assert loaded(f"import {module}") & (ENGINES | SCREENS) == set()


def test_importing_the_commands_loads_no_engine() -> None:
    pytest.importorskip("typer")
    assert loaded("import ondol.cli") & (ENGINES | OURS) == set()


def test_naming_devices_imports_none() -> None:
    found = loaded("from ondol import registry; assert 'cpu' in registry.names()")
    assert found & (ENGINES | OURS) == set()


def test_probing_the_cpu_does_not_load_onnxruntime() -> None:
    code = "from ondol import registry; assert registry.runtime('cpu').probe().available"
    found = loaded(code)
    assert "ondol_runtimes.cpu" in found
    assert "onnxruntime" not in found


def test_the_public_names_load_when_used() -> None:
    found = loaded("import ondol; ondol.Tokenizer")
    assert "ondol.tokenizer" in found and "ondol.engine" not in found
