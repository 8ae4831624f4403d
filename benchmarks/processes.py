"""Measured processes: one engine each, run in turn, and what they print."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from accounting import accounted
from ondol.starter import Starter, locate
from task import Figures, Task

HERE = Path(__file__).parent
TEXT = HERE.parent / "tests/fixtures/text/constitution.txt"
CHARACTERS = 1475
OURS, THEIRS = "ondol_worker.py", "llama_worker.py"

Worker = tuple[str, str]
"""A worker's script, and the model that it runs."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """The converter as a whole process: seconds, and bytes of peak memory."""

    seconds: float
    peak_rss: int


def joined(starter: Starter, out: Path) -> Path:
    """The starter's GGUF in one file, which llama.cpp needs."""
    path = out / starter.file
    if not path.exists() or path.stat().st_size != starter.size:
        with path.open("wb") as whole:
            for part in starter.parts:
                whole.write(locate(part).read_bytes())
    return path


def convert(starter: Starter, target: Path, *arguments: str) -> Conversion:
    """Run the converter as a user would, and account for it as the system does."""
    command = [sys.executable, "-m", "ondol.cli", "convert", starter.name]
    command += ["--out", str(target), "--json", *arguments]
    ran = accounted(command)
    return Conversion(ran.seconds, ran.peak_rss)


def measured_bandwidth(threads: int) -> float:
    """The machine's read bandwidth, from a process of its own.

    The system counts this process' memory into that of every process it starts.
    """
    command = [sys.executable, str(HERE / "machine.py"), str(threads)]
    return float(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)


def run(script: str, task: Task) -> str:
    """One worker process; what it printed."""
    command = [sys.executable, str(HERE / script), json.dumps(asdict(task))]
    done = subprocess.run(
        [*command, str(time.monotonic())], stdout=subprocess.PIPE, check=True, text=True
    )
    return done.stdout.splitlines()[-1]


def median(figures: list[Figures]) -> Figures:
    """Each figure's median over the rounds."""

    def middle(field: str) -> float:
        return float(statistics.median(getattr(one, field) for one in figures))

    return Figures(
        prefill=middle("prefill"),
        decode=middle("decode"),
        characters=middle("characters"),
        load=middle("load"),
        first_token=middle("first_token"),
        peak_rss=int(middle("peak_rss")),
    )


def interleaved(
    title: str, workers: Mapping[str, Worker], threads: int, rounds: int
) -> dict[str, list[Figures]]:
    """Rounds of every worker in turn, each a process of its own."""
    seen: dict[str, list[Figures]] = {name: [] for name in workers}
    for number in range(rounds):
        for name, (script, model) in workers.items():
            figures = Figures.parse(run(script, Task(model, threads)))
            seen[name].append(figures)
            print(
                f"{title} round {number + 1} {name}: prefill {figures.prefill:.0f} "
                f"decode {figures.decode:.1f} tok/s, first token {figures.first_token:.2f} s, "
                f"{figures.peak_rss >> 20} MB",
                flush=True,
            )
    return seen


def ratios_of(ours: Sequence[Figures], theirs: Sequence[Figures]) -> dict[str, float]:
    """Each figure's median ratio over the pairs of a round."""
    return {
        field: statistics.median(
            getattr(a, field) / getattr(b, field) for a, b in zip(ours, theirs, strict=True)
        )
        for field in asdict(ours[0])
    }


def bits_per_character(worker: Worker, threads: int) -> float:
    """On the beginning of the Constitution, which nothing is tuned on, token by token."""
    script, model = worker
    text = TEXT.read_text(encoding="utf-8")[:CHARACTERS]
    return float(json.loads(run(script, Task(model, threads, text=text)))["bits_per_character"])
