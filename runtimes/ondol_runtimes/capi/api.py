"""The functions of ONNX Runtime's C API that Ondol calls, and what a status of theirs says.

`OrtApi` is a struct of function pointers to which each version only appends, so a function keeps
its place for ever. Source: include/onnxruntime/core/session/onnxruntime_c_api.h.
"""

import ctypes
import sys
from collections.abc import Callable, Mapping
from ctypes import c_char_p, c_int, c_int64, c_size_t, c_void_p
from typing import Any

VERSION = 24
"""The version that is asked for: that of ONNX Runtime 1.24, the oldest that reads our graphs.

Newer libraries give it too. The functions below are all in version 8 already.
"""

_FILE = ctypes.c_wchar_p if sys.platform == "win32" else c_char_p
_IN, _OUT = c_void_p, ctypes.POINTER(c_void_p)  # handles are pointers to what has no members
_SIZES = ctypes.POINTER(c_int64)
_NAMES = ctypes.POINTER(c_char_p)

STATUS: Mapping[str, tuple[int, tuple[Any, ...]]] = {
    "AddSessionConfigEntry": (130, (_IN, c_char_p, c_char_p)),
    "AllocatorFree": (76, (_IN, c_void_p)),
    "BindInput": (136, (_IN, c_char_p, _IN)),
    "BindOutput": (137, (_IN, c_char_p, _IN)),
    "CastTypeInfoToTensorInfo": (55, (_IN, _OUT)),
    "CreateAndRegisterAllocator": (144, (_IN, _IN, _IN)),
    "CreateArenaCfgV2": (164, (_NAMES, ctypes.POINTER(c_size_t), c_size_t, _OUT)),
    "CreateCpuMemoryInfo": (69, (c_int, c_int, _OUT)),
    "CreateEnv": (3, (c_int, c_char_p, _OUT)),
    "CreateIoBinding": (134, (_IN, _OUT)),
    "CreateRunOptions": (39, (_OUT,)),
    "CreateSession": (7, (_IN, _FILE, _IN, _OUT)),
    "CreateSessionFromArray": (8, (_IN, c_void_p, c_size_t, _IN, _OUT)),
    "CreateSessionOptions": (10, (_OUT,)),
    "CreateTensorWithDataAsOrtValue": (
        49,
        (_IN, c_void_p, c_size_t, _SIZES, c_size_t, c_int, _OUT),
    ),
    "DisableMemPattern": (17, (_IN,)),
    "DisableTelemetryEvents": (6, (_IN,)),
    "GetAllocatorWithDefaultOptions": (78, (_OUT,)),
    "GetDimensions": (62, (_IN, _SIZES, c_size_t)),
    "GetDimensionsCount": (61, (_IN, ctypes.POINTER(c_size_t))),
    "GetTensorElementType": (60, (_IN, ctypes.POINTER(c_int))),
    "GetTensorMutableData": (51, (_IN, _OUT)),
    "GetTensorTypeAndShape": (65, (_IN, _OUT)),
    "Run": (9, (_IN, _IN, _NAMES, _OUT, c_size_t, _NAMES, c_size_t, _OUT)),
    "RunWithBinding": (133, (_IN, _IN, _IN)),
    "SessionGetInputCount": (30, (_IN, ctypes.POINTER(c_size_t))),
    "SessionGetInputName": (36, (_IN, c_size_t, _IN, _OUT)),
    "SessionGetInputTypeInfo": (33, (_IN, c_size_t, _OUT)),
    "SessionGetOutputCount": (31, (_IN, ctypes.POINTER(c_size_t))),
    "SessionGetOutputName": (37, (_IN, c_size_t, _IN, _OUT)),
    "SessionGetOutputTypeInfo": (34, (_IN, c_size_t, _OUT)),
    "SetInterOpNumThreads": (25, (_IN, c_int)),
    "SetIntraOpNumThreads": (24, (_IN, c_int)),
    "SetSessionLogSeverityLevel": (22, (_IN, c_int)),
}
"""Places and arguments of functions that return a status: NULL, or what went wrong."""

RELEASE: Mapping[str, int] = {
    "ReleaseArenaCfg": 157,
    "ReleaseIoBinding": 135,
    "ReleaseMemoryInfo": 94,
    "ReleaseSession": 95,
    "ReleaseSessionOptions": 100,
    "ReleaseStatus": 93,
    "ReleaseTensorTypeAndShapeInfo": 99,
    "ReleaseTypeInfo": 98,
    "ReleaseValue": 96,
}
"""Places of functions that take one handle, and that may be NULL, and return nothing."""

GET_ERROR_CODE, GET_ERROR_MESSAGE = 1, 2

CODES = (
    "OK",
    "FAIL",
    "INVALID_ARGUMENT",
    "NO_SUCHFILE",
    "NO_MODEL",
    "ENGINE_ERROR",
    "RUNTIME_EXCEPTION",
    "INVALID_PROTOBUF",
    "MODEL_LOADED",
    "NOT_IMPLEMENTED",
    "INVALID_GRAPH",
    "EP_FAIL",
    "MODEL_LOAD_CANCELED",
    "MODEL_REQUIRES_COMPILATION",
    "NOT_FOUND",
)
"""Names of `OrtErrorCode`."""


class StatusError(Exception):
    """A function returned a status: the name of its code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Api:
    """Functions by name, at an address where an `OrtApi` of at least `VERSION` lies."""

    def __init__(self, address: int) -> None:
        self._address = address
        self._code = self._at(GET_ERROR_CODE, c_int, c_void_p)
        self._message = self._at(GET_ERROR_MESSAGE, c_char_p, c_void_p)
        self._release = {name: self._at(place, None, c_void_p) for name, place in RELEASE.items()}
        self._status = {
            name: self._at(place, c_void_p, *arguments)
            for name, (place, arguments) in STATUS.items()
        }

    def function(self, name: str) -> Callable[..., Any]:
        """A function itself, to be called many times; its status goes to `check`."""
        return self._status.get(name) or self._release[name]

    def call(self, name: str, *arguments: object) -> None:
        """Call a function that returns a status.

        Raises:
            StatusError: with what it says.
        """
        status = self._status[name](*arguments)
        if status:
            self.check(status)

    def made(self, name: str, *arguments: object) -> int:
        """Call a function whose last argument is where a handle is written; that handle."""
        handle = c_void_p()
        self.call(name, *arguments, ctypes.byref(handle))
        return handle.value or 0

    def release(self, name: str, handle: int) -> None:
        """Give back what `made` gave."""
        self._release[name](handle)

    def check(self, status: int) -> None:
        """Turn a status into an exception and free it.

        Raises:
            MemoryError: where an allocation failed.
            StatusError: for everything else but NULL.
        """
        if not status:
            return
        code, said = self._code(status), self._message(status) or b""
        self._release["ReleaseStatus"](status)
        message = said.decode("utf-8", "replace")
        if "bad_alloc" in message:
            raise MemoryError(message)
        raise StatusError(CODES[code] if 0 <= code < len(CODES) else str(code), message)

    def _at(self, place: int, result: Any, *arguments: Any) -> Callable[..., Any]:
        where = self._address + place * ctypes.sizeof(c_void_p)
        pointer = c_void_p.from_address(where).value
        if not pointer:
            raise StatusError("NOT_IMPLEMENTED", f"OrtApi[{place}]")
        function: Callable[..., Any] = ctypes.CFUNCTYPE(result, *arguments)(pointer)
        return function
