"""The shared library of ONNX Runtime, loaded: graphs are opened with the settings `cpu` has."""

import ctypes
import functools
import os
import sys
from pathlib import Path

from ondol.bundle import Bundle
from ondol.language import say
from ondol_runtimes._inference import (
    FATAL,
    SAME_AS_REQUESTED,
    WEIGHTS_FOLDER,
    Graph,
    Inference,
    Settings,
)
from ondol_runtimes._packed import in_one_file
from ondol_runtimes.capi.api import VERSION, Api, StatusError
from ondol_runtimes.capi.check import Base
from ondol_runtimes.capi.find import VARIABLE
from ondol_runtimes.capi.graph import CGraph

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read when the library is loaded

DEVICE_ALLOCATOR, ARENA_ALLOCATOR, DEFAULT_MEMORY = 0, 1, 0


class Library(Inference):
    """One loaded library with its environment, which lives as long as the process.

    Args:
        path: the file.

    Raises:
        OSError: if it cannot be loaded.
        StatusError: if it is too old, or refuses.
    """

    def __init__(self, path: Path) -> None:
        entry = ctypes.CDLL(str(path)).OrtGetApiBase
        entry.restype = ctypes.c_void_p
        base = Base.from_address(entry())
        address = base.get_api(VERSION)
        self.version = base.get_version().decode()
        if not address:
            raise StatusError("NOT_IMPLEMENTED", f"OrtApi {VERSION}, ONNX Runtime {self.version}")
        self.api = Api(address)
        self._env = self.api.made("CreateEnv", FATAL, b"ondol")
        self.api.call("DisableTelemetryEvents", self._env)
        self._memory = self.api.made("CreateCpuMemoryInfo", DEVICE_ALLOCATOR, DEFAULT_MEMORY)
        self._run_options = self.api.made("CreateRunOptions")
        self._shares_arena = False

    def upgrade(self, version: str) -> str:
        """As of the base."""
        return say(
            f"Name a library of {version} or later: {VARIABLE}=FILE",
            f"{version} 이상의 라이브러리를 지정하세요: {VARIABLE}=파일",
        )

    def open(self, bundle: Bundle, name: str, settings: Settings) -> Graph:
        """As of the base."""
        if settings.shared_arena and not self._shares_arena:
            self._share_arena()
        entries = dict(settings.entries)
        if bundle.packed is not None:
            entries[WEIGHTS_FOLDER] = str(bundle.path.resolve().parent)
        options = self.api.made("CreateSessionOptions")
        try:
            self._set(options, settings.threads, entries)
            session = self._session(bundle, name, options)
        finally:
            self.api.release("ReleaseSessionOptions", options)
        return CGraph(self.api, session, self._memory, self._run_options)

    def _set(self, options: int, threads: int, entries: dict[str, str]) -> None:
        call = self.api.call
        call("SetIntraOpNumThreads", options, threads)
        call("SetInterOpNumThreads", options, 1)
        call("SetSessionLogSeverityLevel", options, FATAL)
        call("DisableMemPattern", options)
        for key, value in entries.items():
            call("AddSessionConfigEntry", options, key.encode(), os.fsencode(value))

    def _session(self, bundle: Bundle, name: str, options: int) -> int:
        if bundle.packed is None:
            path = bundle.file(name)
            file = str(path) if sys.platform == "win32" else os.fsencode(path)
            return self.api.made("CreateSession", self._env, file, options)
        graph = in_one_file(bundle, name)
        return self.api.made("CreateSessionFromArray", self._env, graph, len(graph), options)

    def _share_arena(self) -> None:
        keys = (ctypes.c_char_p * 1)(b"arena_extend_strategy")
        grows = (ctypes.c_size_t * 1)(SAME_AS_REQUESTED)
        arena = self.api.made("CreateArenaCfgV2", keys, grows, 1)
        where = self.api.made("CreateCpuMemoryInfo", ARENA_ALLOCATOR, DEFAULT_MEMORY)
        try:
            self.api.call("CreateAndRegisterAllocator", self._env, where, arena)
        finally:
            self.api.release("ReleaseMemoryInfo", where)
            self.api.release("ReleaseArenaCfg", arena)
        self._shares_arena = True


@functools.cache
def library(path: Path) -> Library:
    """The library of a file, loaded once a process."""
    return Library(path)
