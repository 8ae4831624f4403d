"""Execution providers that only an Android build of ONNX Runtime has: looked for, never opened."""

from typing import ClassVar

from ondol.device import State
from ondol_runtimes._vendor import VendorRuntime

CODE = """
import json, os
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
import onnxruntime
there = {provider!r} in onnxruntime.get_available_providers()
said = {{"found": {provider!r}}} if there else {{"error": "this build has no " + {provider!r}}}
print("\\n" + json.dumps(said))
"""


class AndroidRuntime(VendorRuntime):
    """A provider of ONNX Runtime for Android. No claim of support."""

    package = "onnxruntime"
    absent = State.MISSING_SOFTWARE
    obtain: ClassVar[tuple[str, str]] = (
        "It exists inside an Android app whose ONNX Runtime was built with it.",
        "이 기능을 넣어 빌드한 ONNX Runtime이 담긴 안드로이드 앱에만 있습니다.",
    )
    unmade: ClassVar[tuple[str, str]] = (
        "Ondol was never run in such a build, so it opens nothing there.",
        "온돌은 그런 빌드에서 실행해 본 적이 없어 아무것도 열지 않습니다.",
    )
