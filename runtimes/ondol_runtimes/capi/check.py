"""Whether a file is a usable ONNX Runtime, said as JSON: run as a script in a process of its own.

Loading a library runs its code, and asking a wrong one calls wherever its symbol points, so what
dies of either is this process. It imports nothing but the standard library, by design.
"""

import ctypes
import json
import os
import sys


class Base(ctypes.Structure):
    """`OrtApiBase`: the first two of its functions."""

    _fields_ = (
        ("get_api", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32)),
        ("get_version", ctypes.CFUNCTYPE(ctypes.c_char_p)),
    )


def describe(path: str, wanted: int) -> dict[str, str]:
    """The library's version, or a fault (load, symbol, old) and what was said of it."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        library = ctypes.CDLL(path)
    except OSError as exc:
        return {"fault": "load", "said": str(exc)}
    try:
        entry = library.OrtGetApiBase
    except AttributeError as exc:
        return {"fault": "symbol", "said": str(exc)}
    entry.restype = ctypes.c_void_p
    address = entry()
    if not address:
        return {"fault": "symbol", "said": "OrtGetApiBase() is NULL"}
    base = Base.from_address(address)
    said = (base.get_version() or b"").decode("ascii", "replace")
    if not base.get_api(wanted):
        return {"fault": "old", "said": said}
    return {"version": said}


if __name__ == "__main__":
    print(json.dumps(describe(sys.argv[1], int(sys.argv[2]))))
