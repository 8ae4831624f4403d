"""The memory planner beside the system: predicted and measured peaks of bundles, a process each."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

WORKER = Path(__file__).parent.parent / "tests" / "measured_memory.py"


def main() -> None:
    """Print one line for each bundle, number of tokens and way to prefill."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("bundle", type=Path, nargs="+")
    parser.add_argument("--tokens", type=int, nargs="+", default=[128, 512])
    said = parser.parse_args()
    for bundle in said.bundle:
        for tokens in said.tokens:
            for prefill in ("integer", "float"):
                command = [sys.executable, str(WORKER), str(bundle), str(tokens), prefill]
                ran = subprocess.run(command, stdout=subprocess.PIPE, check=True)
                predicted, measured = json.loads(ran.stdout)
                print(
                    f"{bundle.name} {tokens} tokens, {prefill}: {predicted / 1e6:.0f} MB "
                    f"predicted, {measured / 1e6:.0f} measured ({predicted / measured - 1:+.1%})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
