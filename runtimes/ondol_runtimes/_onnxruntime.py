"""The one place that imports onnxruntime: its telemetry is told to stay off before."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

__all__ = ["ort"]
