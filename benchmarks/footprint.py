"""What `pip install ondol` puts on a disk, by distribution. The aim is 120 MB.

Builds the wheel, installs it without extras into a new environment, and adds up the files that
each RECORD lists. Compiled modules (`__pycache__`, which pip writes) are counted apart.

python benchmarks/footprint.py [--json]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import venv
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
AIM = 120.0
LIST = """
import importlib.metadata as metadata, json, pathlib
def size(files, compiled):
    found = [f for f in files if ("__pycache__" in str(f)) == compiled]
    paths = [pathlib.Path(f.locate()) for f in found]
    return sum(path.stat().st_size for path in paths if path.exists())
rows = []
for d in metadata.distributions():
    sizes = [size(d.files or (), compiled) for compiled in (False, True)]
    rows.append((d.name, d.version, *sizes, d.requires or []))
print(json.dumps(rows))
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A distribution: bytes of its files, of what Python compiles of them, and what asks for it."""

    name: str
    version: str
    size_bytes: int
    compiled_bytes: int
    wanted_by: tuple[str, ...]


def main() -> None:
    """Print a markdown table, or JSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    rows = sorted(_installed(), key=lambda row: -row.size_bytes)
    if said.json:
        print(json.dumps([asdict(row) for row in rows]))
        return
    print("| distribution | MB | compiled, MB | asked for by |\n|---|---|---|---|")
    for row in rows:
        asked = ", ".join(row.wanted_by)
        megabytes = f"{row.size_bytes / 1e6:.1f} | {row.compiled_bytes / 1e6:.1f}"
        print(f"| {row.name} {row.version} | {megabytes} | {asked} |")
    plain, compiled = (
        sum(getattr(r, f) for r in rows) / 1e6 for f in ("size_bytes", "compiled_bytes")
    )
    print(f"| **all** (aim: {AIM:.0f}) | **{plain:.1f}** | {compiled:.1f} | |")


def _installed() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        venv.create(environment, with_pip=False, symlinks=True)
        pip = [sys.executable, "-m", "pip", "--quiet"]
        _do([*pip, "wheel", "--no-deps", f"--wheel-dir={folder}", str(ROOT)])
        wheel = next(Path(folder).glob("ondol-*.whl"))
        python = environment / "bin" / "python"
        _do([*pip, f"--python={python}", "install", str(wheel)])
        rows = json.loads(_do([str(python), "-I", "-c", LIST]))
    wants = {
        name: {_plain(each) for each in requires if "extra ==" not in each}
        for name, _, _, _, requires in rows
    }
    return [
        Row(
            name,
            version,
            size,
            compiled,
            tuple(sorted(n for n, w in wants.items() if _plain(name) in w)),
        )
        for name, version, size, compiled, _ in rows
    ]


def _plain(requirement: str) -> str:
    """A requirement's name as the registry compares names."""
    name = requirement.replace("_", "-").lower()
    return "".join(c if c.isalnum() or c in "-." else " " for c in name).split()[0]


def _do(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])}: exit {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
