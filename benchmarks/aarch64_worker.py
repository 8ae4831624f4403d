"""Greedy tokens of a folder that `ondol embed` wrote, and their logits; runs in its own Python.

python aarch64_worker.py FOLDER OUT.npz COUNT TEXT
"""

import os
import platform
import sys
from pathlib import Path

import numpy as np


def main() -> None:
    """Write `ids` [n], `logits` [n, vocabulary] float32, and what machine that was."""
    folder, out, count, text = sys.argv[1:]
    # An emulated process can start a native one only
    sys.executable = os.environ.get("AARCH64_PYTHON", sys.executable)
    sys.path.insert(0, folder)
    from ondol.engine import Engine
    from ondol.session import Conversation
    from ondol.template import Message

    ids: list[int] = []
    rows = []
    with Engine.open(Path(folder) / "bundle", device="capi", context=512, threads=1) as engine:
        prompt = engine.tokenizer.encode_prompt(
            Conversation(engine).prompt([Message("user", text)])
        )
        logits = engine.session.append(prompt)
        while len(ids) < int(count):
            rows.append(logits.copy())
            ids.append(int(logits.argmax()))
            print(ids[-1], file=sys.stderr, flush=True)
            logits = engine.session.append(ids[-1:])
        said = engine.tokenizer.decode(ids)
    np.savez(out, ids=ids, prompt=prompt, logits=rows, machine=platform.machine(), said=said)


if __name__ == "__main__":
    main()
