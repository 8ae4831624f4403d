"""Giving pages of a mapped file back to the system, where it can be asked to take them."""

import ctypes
import functools
import sys
from collections.abc import Callable
from pathlib import Path

MADV_DONTNEED = 4


def drop_mapped(path: Path) -> None:
    """Let go of every page of a file that this process has mapped and only read.

    They come back from the file when touched again. ONNX Runtime maps each external weight by
    itself and privately; without this, weights that are read in turn would all stay resident.
    Only Linux is asked; elsewhere the pages stay until the system wants them.
    """
    if sys.platform != "linux":
        return
    madvise, name = _madvise(), str(path.resolve())
    with open("/proc/self/maps", encoding="utf-8", errors="surrogateescape") as maps:
        for line in maps:
            fields = line.rstrip("\n").split(maxsplit=5)
            if len(fields) == 6 and fields[5] == name:
                start, stop = (int(at, 16) for at in fields[0].split("-"))
                madvise(start, stop - start, MADV_DONTNEED)  # advice: nothing to do if refused


@functools.cache
def _madvise() -> Callable[[int, int, int], int]:
    function = ctypes.CDLL(None).madvise
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    found: Callable[[int, int, int], int] = function
    return found
