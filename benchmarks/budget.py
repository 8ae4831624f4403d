"""The budget's promises on the starter weights: file, speed, memory and quality of every row.

Each row is one `ondol convert` as a user would type it, then measured in turn with llama.cpp on
the GGUF that it was made from. Quality is bits per character of the Constitution's beginning,
which nothing is calibrated or chosen on, beside the dequantised source's.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from machine import describe
from ondol.bench import bytes_per_token
from ondol.bundle import Bundle
from ondol.plan import usable_cores
from ondol.starter import GEMMA, QWEN, Starter
from processes import (
    OURS,
    THEIRS,
    Conversion,
    bits_per_character,
    convert,
    interleaved,
    joined,
    measured_bandwidth,
    median,
    ratios_of,
)
from task import Figures

MEMORY = (1.3, 100e6)
"""Peak memory may be so many times the file, and so many bytes more."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a conversion is told, and what is promised of it.

    `file` is the largest share of the GGUF's bytes, `decode` the least ratio of decode speeds,
    `loss` the most that bits per character may grow, as a share of the dequantised source's.
    """

    name: str
    starter: Starter
    arguments: tuple[str, ...]
    file: float
    decode: float
    loss: float


ROWS = (
    Row("gemma ko-en 0.5%", GEMMA, ("--vocabulary", "ko-en", "--budget", "0.5%"), 0.9, 1.4, 0.005),
    Row(
        "gemma compact 1%",
        GEMMA,
        ("--vocabulary", "ko-en-compact", "--budget", "1%"),
        0.55,
        1.8,
        0.01,
    ),
    Row(
        "gemma compact 5%",
        GEMMA,
        ("--vocabulary", "ko-en-compact", "--budget", "5%"),
        0.4,
        2.5,
        0.05,
    ),
    Row("qwen ko-en 1%", QWEN, ("--vocabulary", "ko-en", "--budget", "1%"), 0.85, 1.3, 0.01),
    Row(
        "qwen compact 5%",
        QWEN,
        ("--vocabulary", "ko-en-compact", "--budget", "5%"),
        0.6,
        1.7,
        0.05,
    ),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row, measured. Sizes in bytes; ratios are ours over llama.cpp's."""

    row: str
    ours: Figures
    theirs: Figures
    ratios: dict[str, float]
    file_bytes: int
    source_bytes: int
    vocabulary: int
    bits: float
    source_bits: float
    bytes_per_token: int
    read_bandwidth: float
    conversion: Conversion

    @property
    def loss(self) -> float:
        """How much bits per character grew, as a share."""
        return self.bits / self.source_bits - 1

    @property
    def memory_allowed(self) -> float:
        """The most bytes that the promise allows at the peak."""
        return MEMORY[0] * self.file_bytes + MEMORY[1]


def main() -> None:
    """Measure, print, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench-out"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--rows", nargs="*", default=[row.name for row in ROWS])
    parser.add_argument("--keep", action="store_true", help="use bundles that are there already")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(describe(), flush=True)
    sources: dict[str, float] = {}
    done: list[Outcome] = []
    for row in ROWS:
        if row.name not in options.rows:
            continue
        if row.starter.name not in sources:
            exact = options.out / f"{row.starter.name}-float32"
            if not (options.keep and exact.exists()):
                convert(row.starter, exact, "--weights", "float32")
            sources[row.starter.name] = bits_per_character((OURS, str(exact)), options.threads)
        done.append(measure(row, sources[row.starter.name], options))
        print(shown(row, done[-1]), flush=True)
    report = {"machine": describe(), "rows": [asdict(one) for one in done]}
    path = options.out / "budget.json"
    path.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8")
    print(
        "\n".join(["", *(shown(row, one) for row in ROWS for one in done if one.row == row.name)])
    )


def measure(row: Row, source_bits: float, options: argparse.Namespace) -> Outcome:
    """Convert as the row says, then run both engines in turn."""
    gguf = joined(row.starter, options.out)
    target = options.out / row.name.replace(" ", "-").replace("%", "")
    made = Conversion(0.0, 0)
    if not (options.keep and target.exists()):
        made = convert(row.starter, target, *row.arguments)
    bundle = Bundle.open(target)
    workers = {"ondol": (OURS, str(target)), "llama.cpp": (THEIRS, str(gguf))}
    seen = interleaved(row.name, workers, options.threads, options.rounds)
    return Outcome(
        row=row.name,
        ours=median(seen["ondol"]),
        theirs=median(seen["llama.cpp"]),
        ratios=ratios_of(seen["ondol"], seen["llama.cpp"]),
        file_bytes=bundle.size,
        source_bytes=row.starter.size,
        vocabulary=bundle.decoder.vocabulary,
        bits=bits_per_character(workers["ondol"], options.threads),
        source_bits=source_bits,
        bytes_per_token=bytes_per_token(bundle),
        read_bandwidth=measured_bandwidth(options.threads),
        conversion=made,
    )


def shown(row: Row, one: Outcome) -> str:
    """A row as one line, each figure beside what was promised."""
    size, rss = one.file_bytes / one.source_bytes, one.ours.peak_rss
    checks = (
        (f"file {one.file_bytes / 1e6:.0f} MB = {size:.2f}x (≤ {row.file})", size <= row.file),
        (
            f"decode {one.ours.decode:.0f}/{one.theirs.decode:.0f} = "
            f"{one.ratios['decode']:.2f}x (≥ {row.decode})",
            one.ratios["decode"] >= row.decode,
        ),
        (f"bits/char {one.bits:.4f} = {one.loss:+.2%} (≤ {row.loss:+.1%})", one.loss <= row.loss),
        (
            f"memory {rss / 1e6:.0f} MB (≤ {one.memory_allowed / 1e6:.0f})",
            rss <= one.memory_allowed,
        ),
    )
    said = " · ".join(text if met else f"{text} MISSED" for text, met in checks)
    share = one.bytes_per_token * one.ours.decode / one.read_bandwidth
    return (
        f"{one.row}: {said} · prefill {one.ratios['prefill']:.2f}x · first token "
        f"{one.ratios['first_token']:.2f}x · {one.vocabulary} tokens · reads {share:.0%} of the "
        f"memory's speed · converted in {one.conversion.seconds:.0f} s, "
        f"{one.conversion.peak_rss / 1e6:.0f} MB"
    )


if __name__ == "__main__":
    main()
