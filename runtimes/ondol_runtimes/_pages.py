"""Memory by the page: taken only where it is written, given back where it can be."""

import contextlib
import ctypes
import functools
import math
import mmap
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import DTypeLike, NDArray

MADV_DONTNEED = 4


def zeros(shape: tuple[int, ...], dtype: "DTypeLike") -> "NDArray[Any]":
    """Zeros that take memory page by page, as they are first written.

    numpy asks for huge pages, of 2 MiB on x86-64: a cache that has a few rows in each of many
    arrays would take tens of megabytes more wherever the system has such pages to give.
    """
    kind = np.dtype(dtype)
    size = max(1, math.prod(shape) * kind.itemsize)
    if sys.platform == "win32":
        memory = mmap.mmap(-1, size)
    else:
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a kernel without huge pages knows no such advice
            memory.madvise(mmap.MADV_NOHUGEPAGE)
    return np.frombuffer(memory, kind, count=math.prod(shape)).reshape(shape)


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
