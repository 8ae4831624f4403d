"""A device in a package of its own: pip installs it, its entry point names it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from source_tree import ROOT
from tiny_models import Tiny

PACKAGE = ROOT / "tests" / "fixtures" / "third_party"

USE = """
import json, sys
from pathlib import Path
from ondol import Engine, pick, registry
from ondol.bundle import Bundle
from ondol.reply import Limits
from ondol.testing import CHECKS, check_runtime
bundle = Bundle.open(Path(sys.argv[1]))
check_runtime(registry.runtime("bigram"), bundle)
report = next(each for each in registry.reports() if each.name == "bigram")
with Engine.open(bundle, device="bigram") as engine:
    text = engine.reply("abc", limits=Limits(max_tokens=4)).read()
print(json.dumps({
    "names": registry.names(), "state": report.state, "software": report.device.software,
    "said": len(text), "checks": len(CHECKS), "chosen": pick(bundle).device,
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip installed the package into, from a copy: building leaves files behind."""
    root = tmp_path_factory.mktemp("third-party")
    source = shutil.copytree(PACKAGE, root / "source")
    target = root / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return target


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(installed), *(each for each in sys.path if each)])
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_it_is_found_and_keeps_the_contract(installed: Path, tiny: Tiny) -> None:
    done = run(installed, "-W", "error", "-c", USE, str(tiny("gemma3").path))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["names"][-1] == "bigram" and found["state"] == "available"
    assert found["software"].startswith("numpy ") and found["checks"] >= 11
    assert found["said"] > 0 and found["chosen"] == "cpu", "other people's have to be named"


def test_the_command_line_lists_it(installed: Path) -> None:
    done = run(installed, "-m", "ondol.cli", "devices", "--json")
    devices = {each["name"]: each for each in json.loads(done.stdout)["devices"]}
    assert devices["bigram"]["state"] == "available" and devices["bigram"]["silicon"] == "no"


def test_without_it_there_is_no_such_device(tiny: Tiny) -> None:
    done = run(Path("nowhere"), "-c", USE, str(tiny("gemma3").path))
    assert done.returncode != 0 and "UnknownDevice" in done.stderr
