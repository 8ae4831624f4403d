"""Memory of this process: what it uses, and giving back what the allocator holds on to."""

import ctypes
import sys


def release_unused() -> None:
    """Ask the C library to return freed memory to the system; loading leaves much of it."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl has not
        if trim is not None:
            trim(0)


def resident_bytes() -> int:
    """Resident memory of this process in bytes; 0 where the system does not say."""
    return status_bytes("VmRSS")


def peak_resident_bytes() -> int:
    """The most memory that was resident in this process, in bytes; 0 where unknown."""
    if sys.platform == "linux":
        return status_bytes("VmHWM")
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS


def private_bytes() -> int:
    """Memory that is this process' alone and lies in no file, in bytes; 0 where unknown."""
    return status_bytes("RssAnon")


def status_bytes(key: str) -> int:
    """A size of /proc/self/status in bytes; 0 where the system does not say."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024
    return 0
