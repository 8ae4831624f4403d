"""The plugin onnxruntime-qnn: registered once, and a session's options for one chip."""

import contextlib
import functools
import os
import sys
import tempfile
from collections.abc import Iterator
from threading import Lock
from typing import Any

from ondol_runtimes._inference import FATAL
from ondol_runtimes._onnxruntime import ort
from ondol_runtimes.qnn.check import NAME
from ondol_runtimes.qnn.soc import Soc

STRICT = "session.disable_cpu_ep_fallback"
RECORD = "session.record_ep_graph_assignment_info"
CHATTER = b" # LIBNATIVE:"
_speaking = Lock()


def options(soc: Soc, strict: bool = True) -> "ort.SessionOptions":
    """Options of a session on the HTP of a chip; strict ones leave no node to the CPU."""
    made = ort.SessionOptions()
    made.intra_op_num_threads = made.inter_op_num_threads = 1
    made.log_severity_level = FATAL  # errors come as exceptions; nothing is printed
    made.add_session_config_entry(RECORD, "1")
    if strict:
        made.add_session_config_entry(STRICT, "1")
    # Without a chip, graphs of any size end in QNN_COMMON_ERROR_MEM_ALLOC
    said = {"backend_type": "htp", "soc_model": str(soc.model), "htp_arch": str(soc.arch)}
    made.add_provider_for_devices(_devices(), said)
    return made


@functools.cache
def _devices() -> "list[Any]":
    import onnxruntime_qnn

    known = [each for each in ort.get_ep_devices() if each.ep_name == NAME]
    if not known:
        ort.register_execution_provider_library(NAME, onnxruntime_qnn.get_library_path())
    return [each for each in ort.get_ep_devices() if each.ep_name == NAME]


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Keep a line of the emulator off standard output; what others write meanwhile comes after."""
    with _speaking, tempfile.TemporaryFile() as file:
        try:
            kept = os.dup(1)
        except OSError:  # an app without standard output
            yield
            return
        _flush()
        os.dup2(file.fileno(), 1)
        try:
            yield
        finally:
            _flush()
            os.dup2(kept, 1)
            file.seek(0)
            rest = b"".join(line for line in file if not line.startswith(CHATTER))
            with contextlib.suppress(OSError):  # its reader is gone
                os.write(1, rest)
            os.close(kept)


def _flush() -> None:
    if sys.stdout is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
