"""Giving pages of a mapped file back to the system, where it can be asked to take them."""

import ctypes
import functools
import os
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
    madvise, name = _madvise(), b" " + os.fsencode(path.resolve())
    # Read anew each time: an address kept from before might be somebody else's memory by now
    with open("/proc/self/maps", "rb") as maps:
        for line in maps.read().splitlines():
            if line.endswith(name):
                start, _, stop = line.partition(b" ")[0].partition(b"-")
                at = int(start, 16)
                madvise(at, int(stop, 16) - at, MADV_DONTNEED)  # advice: refusal changes nothing


def drop_file(path: Path, inode: int) -> None:
    """Let go of every page of a file that was removed since it was mapped; otherwise as above.

    Args:
        path: where it was.
        inode: its number: another file may be there by now.
    """
    if sys.platform != "linux":
        return
    madvise, name, number = _madvise(), b" " + os.fsencode(path), str(inode).encode()
    with open("/proc/self/maps", "rb") as maps:
        for line in maps.read().splitlines():
            # An anonymous mapping would lose what is written in it: the name is what proves a file
            if line.removesuffix(b" (deleted)").endswith(name) and line.split()[4] == number:
                start, _, stop = line.partition(b" ")[0].partition(b"-")
                at = int(start, 16)
                madvise(at, int(stop, 16) - at, MADV_DONTNEED)


@functools.cache
def _madvise() -> Callable[[int, int, int], int]:
    function = ctypes.CDLL(None).madvise
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    found: Callable[[int, int, int], int] = function
    return found
