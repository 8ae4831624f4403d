"""ONNX Runtime for converters, through the one door that turns its telemetry off first."""

from importlib import import_module
from typing import Any

DOOR = "ondol_runtimes._onnxruntime"


def onnxruntime() -> Any:
    """The package itself."""
    return import_module(DOOR).ort


def quantisation() -> Any:
    """Its quantiser, `onnxruntime.quantization`."""
    import_module(DOOR)
    return import_module("onnxruntime.quantization")
