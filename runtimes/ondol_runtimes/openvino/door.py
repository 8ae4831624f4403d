"""The one place that imports openvino: its telemetry, which reports every import, is kept out.

`import openvino` loads its conversion tools, and those send an event through the package
openvino_telemetry if it is there. Where it cannot be imported they use a stub of their own
(openvino/tools/ovc/telemetry_utils.py, 2026.4).
"""

import sys
from functools import cache
from types import ModuleType

TELEMETRY = "openvino_telemetry"
PROBE = f"""
import json, sys
sys.modules[{TELEMETRY!r}] = None
import openvino
print(json.dumps([openvino.__version__.split("-")[0], openvino.Core().available_devices]))
"""
"""What another process is asked: the version and the devices."""


@cache
def openvino() -> ModuleType:
    """The package, imported with its telemetry out of reach."""
    before = sys.modules.get(TELEMETRY)
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # the import system's "not there"
    try:
        import openvino as package
    finally:
        del sys.modules[TELEMETRY]
        if before is not None:
            sys.modules[TELEMETRY] = before
    found: ModuleType = package
    return found
