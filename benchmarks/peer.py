"""Ondol beside llama.cpp: the same file, the same threads, process by process in turn.

Every round runs each engine in a process of its own, one after the other; what is printed are
medians over the rounds and ratios of them. A machine's speed drifts, so only ratios count.
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


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be reached beside the peer; for decode and prefill at least, else at most."""

    decode: float
    prefill: float
    first_token: float
    peak_rss: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """One model on both engines: medians, ratios ours / theirs, and the quality beside them."""

    model: str
    threads: int
    rounds: int
    ours: Figures
    theirs: Figures
    ratios: dict[str, float]
    bits_per_character: dict[str, float]
    file_bytes: dict[str, int]
    bytes_per_token: int
    read_bandwidth: float
    bandwidth_share: float
    conversion: Conversion


TARGETS = {
    GEMMA.name: Target(1.15, 1.5, 0.9, 1.5),
    QWEN.name: Target(0.85, 1.3, float("nan"), 1.7),
}


def main() -> None:
    """Measure, print, and write JSON and a chart."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("bench-out"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--models", nargs="*", default=[GEMMA.name, QWEN.name])
    parser.add_argument("--no-quality", action="store_true", help="leave bits per character out")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(describe(), flush=True)
    done = [
        compare(starter, options.out, options.threads, options.rounds, not options.no_quality)
        for starter in (GEMMA, QWEN)
        if starter.name in options.models
    ]
    report = {"machine": describe(), "comparisons": [asdict(one) for one in done]}
    (options.out / "peer.json").write_text(json.dumps(report, indent=1, ensure_ascii=False))
    from chart import draw

    draw(done, options.out / "peer.png")
    print(f"{options.out / 'peer.json'}, {options.out / 'peer.png'}")


def compare(starter: Starter, out: Path, threads: int, rounds: int, quality: bool) -> Comparison:
    """Convert a starter, then measure it in turn with its GGUF."""
    gguf = joined(starter, out)
    target = out / starter.name
    conversion = convert(starter, target)
    bundle = Bundle.open(target)
    workers = {"ondol": (OURS, str(target)), "llama.cpp": (THEIRS, str(gguf))}
    seen = interleaved(starter.name, workers, threads, rounds)
    ours, theirs = (median(seen[name]) for name in workers)
    ratios = ratios_of(seen["ondol"], seen["llama.cpp"])
    bits: dict[str, float] = {}
    if quality:
        exact = out / f"{starter.name}-float32"
        convert(starter, exact, "--weights", "float32")
        for name, worker in {**workers, "dequantised": (OURS, str(exact))}.items():
            bits[name] = bits_per_character(worker, threads)
    bandwidth = measured_bandwidth(threads)
    per_token = bytes_per_token(bundle)
    made = Comparison(
        model=starter.name,
        threads=threads,
        rounds=rounds,
        ours=ours,
        theirs=theirs,
        ratios=ratios,
        bits_per_character=bits,
        file_bytes={"ondol": bundle.size, "llama.cpp": starter.size},
        bytes_per_token=per_token,
        read_bandwidth=bandwidth,
        bandwidth_share=per_token * ours.decode / bandwidth,
        conversion=conversion,
    )
    report(made)
    return made


def report(made: Comparison) -> None:
    """The figures as a table, each ratio beside its target."""
    goal = TARGETS[made.model]
    rows = (
        ("prefill tok/s", "prefill", 1, f"≥ {goal.prefill}"),
        ("decode tok/s", "decode", 1, f"≥ {goal.decode}"),
        ("characters/s", "characters", 1, ""),
        ("load s", "load", 1, ""),
        ("first token s", "first_token", 1, f"≤ {goal.first_token}"),
        ("peak RSS MB", "peak_rss", 1 << 20, f"≤ {goal.peak_rss}"),
    )
    print(f"\n{made.model}, {made.threads} threads, {made.rounds} rounds")
    print(f"{'':16}{'Ondol':>10}{'llama.cpp':>12}{'ratio':>8}  target")
    for title, field, unit, wanted in rows:
        ours, theirs = getattr(made.ours, field) / unit, getattr(made.theirs, field) / unit
        wanted = "" if "nan" in wanted else wanted
        print(f"{title:16}{ours:10.2f}{theirs:12.2f}{made.ratios[field]:8.2f}  {wanted}")
    sizes = made.file_bytes
    print(f"{'file MB':16}{sizes['ondol'] / 1e6:10.0f}{sizes['llama.cpp'] / 1e6:12.0f}")
    for name, bits in made.bits_per_character.items():
        print(f"bits/char {name}: {bits:.4f}")
    print(
        f"decode reads {made.bytes_per_token / 1e6:.0f} MB a token: "
        f"{made.bytes_per_token * made.ours.decode / 1e9:.1f} of {made.read_bandwidth / 1e9:.1f} "
        f"GB/s, {made.bandwidth_share:.0%} (target ≥ 60%)"
    )
    cost = made.conversion
    print(f"converting: {cost.seconds:.1f} s, {cost.peak_rss / 1e6:.0f} MB peak\n", flush=True)


if __name__ == "__main__":
    main()
