"""A starter on aarch64, beside x86-64: the same folder of `ondol embed`, the same ONNX Runtime.

Run under an emulator (qemu-user), not on silicon. Needs Debian, qemu-aarch64 and apt-get; an arm64
Python is unpacked into a folder, nothing of the system is changed. Twice: as shipped, where every
product rounds its activations to 8 bits and so makes steps of what were differences in the order of
sums; and with float32 activations, where only those are left. The first has to give the same tokens
until the two likeliest are closer than the logits of both processors are; the second the same
tokens, and logits within 1e-3.

python benchmarks/aarch64.py [--starter gemma] [--tokens 8] [--json]
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import onnx

from ondol.bundle import Bundle
from ondol.embedded.folder import embed
from ondol.starter import GEMMA, QWEN
from ondol_converters.starters import convert_starter

WORKER = Path(__file__).with_name("aarch64_worker.py")
# Debian 12's qemu 7.2 dies of 1.28 and later
ONNXRUNTIME = "1.26.0"
PROCESSOR = "cortex-a76"  # 8-bit dot products, as phones have had since 2018
PROMPT = "대한민국의 수도는"
CLOSE = 1e-3


@dataclass(frozen=True, slots=True)
class Comparison:
    """Tokens of both; how far logits [step, vocabulary] are apart while tokens are the same.

    `margin` is between the two likeliest on x86-64 where the tokens part; None: they do not.
    """

    activations: str
    x86: list[int]
    aarch64: list[int]
    said: str
    apart_most: float
    apart_rms: float
    margin: float | None

    @property
    def same(self) -> int:
        """How many tokens are equal before the first that is not."""
        return len(os.path.commonprefix([self.x86, self.aarch64]))

    @property
    def holds(self) -> bool:
        """Whether it is as promised."""
        if self.activations == "float32":
            return self.margin is None and self.apart_most <= CLOSE
        return self.margin is None or self.margin <= self.apart_most


def main() -> int:
    """Compare, print, and exit with 1 where the promise does not hold."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--starter", choices=("gemma", "qwen"), default="gemma")
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--work", type=Path, default=Path("bench-out/aarch64"))
    parser.add_argument("--onnxruntime", default=ONNXRUNTIME, help="the version of both")
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    work = said.work.resolve()
    emulated = _emulated(work)
    starter = GEMMA if said.starter == "gemma" else QWEN
    bundle = work / starter.name
    if not bundle.exists():
        convert_starter(starter, bundle)
    found = []
    for activations in ("int8", "float32"):
        results = []
        for machine, python in (("x86_64", Path(sys.executable)), ("aarch64", emulated)):
            folder = work / f"{activations}-{machine}"
            shutil.rmtree(folder, ignore_errors=True)
            library = _library(work, machine, said.onnxruntime)
            embed(Bundle.open(bundle), folder, library=library)
            if activations == "float32":
                _float_activations(folder / "bundle")
            results.append(_run(python, folder, said.tokens, work / "site"))
        found.append(_compare(activations, *results))
    print(_text(found) if not said.json else json.dumps([asdict(each) for each in found]))
    return int(not all(each.holds for each in found))


def _emulated(work: Path) -> Path:
    """A command that is Python on aarch64, with numpy in `site`; made once."""
    root, command = work / "root", work / "python"
    if command.exists():
        return command
    for folder in ("state/lists/partial", "cache/archives/partial"):
        (work / "apt" / folder).mkdir(parents=True, exist_ok=True)
    (work / "apt/state/status").touch()
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "root",
        "Dir::State": work / "apt/state",
        "Dir::State::status": work / "apt/state/status",
        "Dir::Cache": work / "apt/cache",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    _do([*apt, "update"])
    wanted = ["python3", "libstdc++6"]
    _do([*apt, "install", "--download-only", "--no-install-recommends", "--yes", *wanted])
    for package in sorted((work / "apt/cache/archives").glob("*.deb")):
        _do(["dpkg-deb", "-x", str(package), str(root)])
    python = next(path for path in sorted((root / "usr/bin").glob("python3.*[0-9]")))
    wheel = _wheel(work, "numpy", "aarch64", python.name.removeprefix("python"))
    with zipfile.ZipFile(wheel) as file:
        file.extractall(work / "site")
    made = work / "python.new"
    made.write_text(f'#!/bin/sh\nexec qemu-aarch64 -L {root} -cpu {PROCESSOR} {python} "$@"\n')
    made.chmod(0o755)
    return made.rename(command)


def _library(work: Path, machine: str, version: str) -> Path:
    """The libonnxruntime of a processor, out of the registry's wheel."""
    folder = work / f"onnxruntime-{version}-{machine}"
    if not folder.exists():
        wheel = _wheel(work, f"onnxruntime=={version}", machine, "3.11")
        folder.mkdir()
        with zipfile.ZipFile(wheel) as file:
            for name in file.namelist():
                if Path(name).name.startswith(("libonnxruntime.so", "LICENSE", "ThirdParty")):
                    (folder / Path(name).name).write_bytes(file.read(name))
    return next(folder.glob("libonnxruntime.so*"))


def _wheel(work: Path, wanted: str, machine: str, python: str) -> Path:
    folder = work / "wheels" / machine
    tags = [f"--platform=manylinux{tag}_{machine}" for tag in ("2014", "_2_27", "_2_28")]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    only = ["--only-binary=:all:", f"--python-version={python}", f"--dest={folder}"]
    _do([*pip, *only, *tags, wanted])
    return next(folder.glob(f"{wanted.replace('==', '-')}*.whl"))


def _float_activations(bundle: Path) -> None:
    """Let every quantised product read float32 activations: accuracy level 1."""
    manifest = json.loads((bundle / "manifest.json").read_text("utf-8"))
    for entry in manifest["files"]:
        if entry["path"] == "model.onnx":
            graph = onnx.load(bundle / entry["path"], load_external_data=False)
            levels = [a for n in graph.graph.node for a in n.attribute]
            for each in levels:
                if each.name == "accuracy_level":
                    each.i = 1
            raw = graph.SerializeToString()
            (bundle / entry["path"]).write_bytes(raw)
            entry |= {"size": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    (bundle / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def _run(python: Path, folder: Path, tokens: int, site: Path) -> Path:
    out = folder / "answer.npz"
    environment = {"PATH": os.environ["PATH"], "PYTHONUTF8": "1", "OPENBLAS_NUM_THREADS": "1"}
    if str(python) != sys.executable:
        environment |= {"PYTHONPATH": str(site), "AARCH64_PYTHON": str(python)}
    print(f"{folder.name} ...", file=sys.stderr)
    command = [str(python), str(WORKER), str(folder), str(out), str(tokens), PROMPT]
    _do(command, environment)
    return out


def _compare(activations: str, x86: Path, aarch64: Path) -> Comparison:
    with np.load(x86) as mine, np.load(aarch64) as theirs:
        if (str(mine["machine"]), str(theirs["machine"])) != ("x86_64", "aarch64"):
            raise SystemExit(f"run on {mine['machine']} and {theirs['machine']}")
        if mine["prompt"].tolist() != theirs["prompt"].tolist():
            raise SystemExit("the prompt has other tokens")
        ids, others = mine["ids"].tolist(), theirs["ids"].tolist()
        same = len(os.path.commonprefix([ids, others]))
        parted = same < len(ids)
        steps = same + parted  # the same tokens came before each
        apart = np.abs(mine["logits"][:steps] - theirs["logits"][:steps])
        best = np.sort(mine["logits"][steps - 1])[-2:]
        margin = float(best[1] - best[0]) if parted else None
        rms = float(np.sqrt(np.square(apart).mean()))
        said = str(theirs["said"])
    return Comparison(activations, ids, others, said, float(apart.max()), rms, margin)


def _text(found: list[Comparison]) -> str:
    lines = [f"onnxruntime under an emulator ({PROCESSOR}), not on silicon"]
    for each in found:
        lines.append(
            f"{each.activations} activations: {each.same} of {len(each.x86)} tokens equal from "
            f"the first, logits apart by {each.apart_most:.1e} (rms {each.apart_rms:.1e}): "
            f"{each.said!r}"
        )
        if each.margin is not None:
            lines.append(f"  they part where x86-64's two likeliest are {each.margin:.1e} apart")
    return "\n".join(lines)


def _do(command: list[str], environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, errors="replace"
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])}: exit {done.returncode}\n{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
