"""What this machine is; run by itself, how fast it reads memory: the limit of decoding."""

import os
import platform
import sys
from pathlib import Path

from ondol.bench import read_bandwidth


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
