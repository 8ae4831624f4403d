"""Converting beside onnxruntime-genai's model builder: the same weights, in turn.

The default Qwen 0.5B is dequantised into a Hugging Face folder in bfloat16; then each round runs
Ondol and the builder on that folder, both to int4, and Ondol on the GGUF without loss, each in a
process of its own. A machine's speed drifts, so what is printed are medians and ratios.

The builder needs an environment of its own:

    python -m venv builder
    builder/bin/pip install onnxruntime-genai==0.11.4 onnx onnx-ir torch transformers==4.57.6
    python benchmarks/genai_builder.py --builder builder/bin/python
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from accounting import Ran, accounted
from machine import describe
from ondol.starter import QWEN

HERE = Path(__file__).parent
BUILDER = "onnxruntime_genai.models.builder"
OURS, THEIRS, LOSSLESS = "ondol int4", "builder int4", "ondol lossless"


@dataclass(frozen=True, slots=True)
class Targets:
    """What the lossless conversion is to reach: beside the builder, and by itself."""

    faster: float = 4.0
    memory: float = 0.25
    lossless_seconds: float = 25.0
    lossless_bytes: float = 800e6


@dataclass(frozen=True, slots=True)
class Taken:
    """Medians of one way to convert: seconds, and bytes of peak memory and of the result."""

    seconds: float
    peak_rss: float
    size: int


def main() -> None:
    """Measure in turn, print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--builder", required=True, help="the builder's Python")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("bench-out"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(describe(), flush=True)
    seen: dict[str, list[Ran]] = {OURS: [], THEIRS: [], LOSSLESS: []}
    sizes: dict[str, int] = {}
    with tempfile.TemporaryDirectory(dir=options.out) as scratch:
        folder = Path(scratch) / "qwen"
        # In a process of its own: the system counts this one's memory into what it starts
        accounted([sys.executable, str(HERE / "dequantise.py"), str(folder)])
        for number in range(options.rounds):
            for name, command in commands(folder, Path(scratch), options.builder).items():
                ran = accounted(command, os.environ | {"HF_HUB_OFFLINE": "1"})
                seen[name].append(ran)
                made = Path(scratch) / name
                sizes[name] = sum(f.stat().st_size for f in made.rglob("*") if f.is_file())
                print(
                    f"round {number + 1} {name}: {ran.seconds:.1f} s, {ran.peak_rss / 1e6:.0f} MB",
                    flush=True,
                )
    taken = {
        name: Taken(
            statistics.median(ran.seconds for ran in runs),
            statistics.median(ran.peak_rss for ran in runs),
            sizes[name],
        )
        for name, runs in seen.items()
    }
    ratios = {name: ratio(seen[name], seen[THEIRS]) for name in (LOSSLESS, OURS)}
    goal, lossless = Targets(), taken[LOSSLESS]
    faster, memory = ratios[LOSSLESS]
    for text, met in (
        (f"{faster:.1f} × as fast (≥ {goal.faster})", faster >= goal.faster),
        (f"{memory:.2f} of the memory (≤ {goal.memory})", memory <= goal.memory),
        (
            f"lossless in {lossless.seconds:.1f} s (≤ {goal.lossless_seconds})",
            lossless.seconds <= goal.lossless_seconds,
        ),
        (
            f"lossless in {lossless.peak_rss / 1e6:.0f} MB (≤ {goal.lossless_bytes / 1e6:.0f})",
            lossless.peak_rss <= goal.lossless_bytes,
        ),
    ):
        print(f"{'met   ' if met else 'MISSED'} {text}")
    print("int4 by search beside theirs by rounding: {:.1f} ×, {:.2f}".format(*ratios[OURS]))
    report = {
        "machine": describe(),
        "taken": {name: asdict(one) for name, one in taken.items()},
        "faster_and_memory": ratios,
    }
    (options.out / "genai_builder.json").write_text(json.dumps(report, indent=1))


def ratio(ours: Sequence[Ran], theirs: Sequence[Ran]) -> tuple[float, float]:
    """How many times as fast, and in which part of the memory: medians over the rounds."""
    pairs = list(zip(ours, theirs, strict=True))
    return (
        statistics.median(other.seconds / one.seconds for one, other in pairs),
        statistics.median(one.peak_rss / other.peak_rss for one, other in pairs),
    )


def commands(folder: Path, scratch: Path, builder: str) -> dict[str, list[str]]:
    """What each way to convert runs, by its name, which is also the folder it writes."""
    ondol = [sys.executable, "-m", "ondol.cli", "convert"]
    return {
        OURS: [*ondol, str(folder), "--weights", "int4", "--out", str(scratch / OURS), "--json"],
        THEIRS: [
            *(builder, "-m", BUILDER, "-i", str(folder), "-o", str(scratch / THEIRS)),
            *("-p", "int4", "-e", "cpu", "-c", str(scratch / "cache")),
        ],
        LOSSLESS: [*ondol, QWEN.name, "--out", str(scratch / LOSSLESS), "--json"],
    }


if __name__ == "__main__":
    main()
