"""What `lowmem` costs: its tokens per second and memory beside `cpu`, in turn, a process each."""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

from ondol.fitting import size


def main() -> None:
    """Print the ratio of decode rates, and both peaks."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--memory", default="300MB")
    parser.add_argument("--rounds", type=int, default=3)
    said = parser.parse_args()
    limit = size(said.memory)
    found = [
        (_run(said.bundle, "cpu"), _run(said.bundle, "lowmem", "--memory", str(limit)))
        for _ in range(said.rounds)
    ]
    ratio = statistics.median(lean["decode_rate"] / usual["decode_rate"] for usual, lean in found)
    usual, lean = found[-1]
    peaks = [f"{each['peak_resident_bytes'] / 1e6:.0f} MB" for each in (usual, lean)]
    print(f"decode {ratio:.2f} of cpu; peak {peaks[0]} on cpu, {peaks[1]} on lowmem")


def _run(bundle: Path, device: str, *more: str) -> dict[str, float]:
    command = [sys.executable, "-m", "ondol.cli", "bench", str(bundle), "--device", device]
    command += ["--rounds", "1", "--prompt-tokens", "64", "--decode-tokens", "32", "--json", *more]
    ran = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


if __name__ == "__main__":
    main()
