"""How long probing every device takes together: medians of fresh processes. The aim is 2 s.

python benchmarks/probing.py [--rounds 5]
"""

import argparse
import statistics
import subprocess
import sys

CODE = """
import time
start = time.perf_counter()
from ondol import registry
reports = list(registry.reports(60))
print(time.perf_counter() - start)
print(*(f"{r.name}={r.state}" for r in reports))
"""


def main() -> None:
    """Print the median, the slowest, and the states."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    seconds, states = [], ""
    for _ in range(parser.parse_args().rounds):
        ran = subprocess.run(
            [sys.executable, "-c", CODE], capture_output=True, text=True, check=True
        )
        first, states = ran.stdout.splitlines()
        seconds.append(float(first))
    print(f"median {statistics.median(seconds):.2f} s, slowest {max(seconds):.2f} s (aim: 2)")
    print(states)


if __name__ == "__main__":
    main()
