"""How fast this machine reads memory: the limit of decoding."""

import os
import platform
import sys
import threading
import time
from pathlib import Path

import numpy as np

ROUNDS = 8


def read_bandwidth(threads: int, megabytes: int = 512) -> float:
    """Bytes per second that `threads` threads read together, the best of a few rounds.

    Each multiplies its share of a float32 matrix, far larger than any cache, with a vector: one
    pass over the memory that vectorised code cannot do faster than it arrives.
    """
    columns = 4096
    rows = megabytes * (1 << 20) // 4 // columns
    matrix = np.ones((rows, columns), np.float32)
    vector = np.ones(columns, np.float32)
    best = 0.0
    for _ in range(ROUNDS):
        workers = [
            threading.Thread(target=np.dot, args=(part, vector))
            for part in np.array_split(matrix, threads)
        ]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        best = max(best, matrix.nbytes / (time.perf_counter() - start))
    return best


def describe() -> str:
    """Processor, cores and system, in one line."""
    name = platform.processor() or platform.machine()
    flags: set[str] = set()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name":
                name = value.strip()
            if key.strip() == "flags":
                flags = set(value.split())
    found = [f for f in ("avx2", "avx_vnni", "avx512_vnni", "amx_int8") if f in flags]
    return f"{name}, {os.cpu_count()} cores, {' '.join(found)}, {platform.platform(terse=True)}"


if __name__ == "__main__":
    print(read_bandwidth(int(sys.argv[1])))
