"""What a plugin execution provider offers, said as JSON: run as a script in a process of its own.

A plugin is a shared library, or a Python package that says where its library is. Loading either
runs its code, so what dies or hangs of it is this process.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

SAYS = ("get_library_path", "library_path")
"""Functions by which packages of plugins say where their library is."""

REGISTERS = "register_execution_provider_library"


def library(named: str) -> str:
    """The library's file: `named` itself, or where the package of that name says it is."""
    if Path(named).is_file() or not named.isidentifier():
        return str(Path(named).resolve())
    package = importlib.import_module(named)
    function = next((getattr(package, name) for name in SAYS if hasattr(package, name)), None)
    if function is None:
        raise AttributeError(f"{named} has none of {', '.join(SAYS)}")
    return str(Path(function()).resolve())


def describe(named: str) -> dict[str, Any]:
    """The library, ONNX Runtime's version and the devices; or a fault and what was said of it."""
    try:
        path = library(named)
    except Exception as exc:  # a package may fail in any way when it is imported
        return {"fault": "package", "said": f"{type(exc).__name__}: {exc}"}
    if not Path(path).is_file():
        return {"fault": "file", "said": path}
    from ondol_runtimes._onnxruntime import ort

    if not hasattr(ort, REGISTERS):
        return {"fault": "old", "said": ort.__version__}
    ort.set_default_logger_severity(4)
    known = {device.ep_name for device in ort.get_ep_devices()}
    try:
        ort.register_execution_provider_library(Path(path).stem, path)
    except Exception as exc:  # its errors share no base class
        return {"fault": "register", "said": str(exc)[:400]}
    found = [device for device in ort.get_ep_devices() if device.ep_name not in known]
    devices = [f"{each.ep_name} ({each.device.type.name} {each.device.vendor})" for each in found]
    return {"library": path, "onnxruntime": ort.__version__, "devices": devices}


if __name__ == "__main__":
    print(json.dumps(describe(sys.argv[1])), flush=True)
    os._exit(0)  # some plugins crash when the process ends in order; they have answered
