"""Shared libraries made on the spot, such as drivers that do wrong."""

import shutil
import subprocess
from pathlib import Path

import pytest

DIES = "void __attribute__((constructor)) load(void) { *(volatile int*)0 = 1; }"
LEAVES = "#include <unistd.h>\nvoid __attribute__((constructor)) load(void) { _exit(0); }"
HANGS = "#include <unistd.h>\nvoid __attribute__((constructor)) load(void) { for (;;) pause(); }"


def compiled(code: str, path: Path) -> Path:
    """The library of some C code, at `path`."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: apt-get install gcc libc6-dev")
    command = [compiler, "-shared", "-fPIC", "-w", "-x", "c", "-o", str(path), "-"]
    subprocess.run(command, input=code, text=True, check=True)
    return path
