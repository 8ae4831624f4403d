"""Where the shared library of ONNX Runtime is, and whether it is one: tried in another process."""

import functools
import importlib.util
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from ondol.child_process import ask, can_ask
from ondol.language import say
from ondol_runtimes.capi import check
from ondol_runtimes.capi.api import VERSION

VARIABLE = "ONDOL_ONNXRUNTIME"
"""The environment variable that names the library's file."""

PATTERNS = {
    "win32": "onnxruntime.dll",
    "darwin": "libonnxruntime.*dylib",
}
"""How the library is called, where not `libonnxruntime.so*`."""

SECONDS = 20  # loading takes a fraction of one; a library that hangs is not waited for


@dataclass(frozen=True, slots=True)
class Found:
    """A library's file and version; where `fault` is not empty, why it cannot be used."""

    path: Path | None
    version: str = ""
    fault: str = ""


def find() -> Found:
    """The first library there is; one that is named and cannot be used is not passed over."""
    path = locate()
    if path is None:
        return Found(
            None,
            fault=say(
                "There is no libonnxruntime: none was named, and no wheel with one is installed.",
                "libonnxruntime이 없습니다. 지정된 파일도, 설치된 휠 안의 파일도 없습니다.",
            ),
        )
    try:
        facts = path.stat()
    except OSError as exc:
        return Found(path, fault=f"{path}: {exc.strerror}")
    return _tried(path, facts.st_mtime_ns, facts.st_size)


def locate() -> Path | None:
    """Named by ONDOL_ONNXRUNTIME; else in `lib` beside our packages; else in an installed wheel.

    The wheel is looked into and not imported.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    wheel = importlib.util.find_spec("onnxruntime")
    folders = [Path(__file__).parents[2] / "lib"]
    folders += [Path(each) / "capi" for each in (wheel and wheel.submodule_search_locations) or ()]
    pattern = PATTERNS.get(sys.platform, "libonnxruntime.so*")
    return next((path for folder in folders for path in sorted(folder.glob(pattern))), None)


@functools.cache
def _tried(path: Path, changed: int, size: int) -> Found:
    """Ask the library in another process; the same file is asked once."""
    if not can_ask():  # an app with Python inside
        said = check.describe(str(path), VERSION)
    else:
        answer = ask("-I", "-S", check.__file__, str(path), str(VERSION), seconds=SECONDS)
        if answer.hung:
            return Found(path, fault=say(f"{path} hangs.", f"{path}: 응답이 없습니다."))
        if answer.fault or not answer.lines:
            ended = f"{path}: {answer.fault}"
            return Found(
                path,
                fault=say(f"Loading it ends the process: {ended}", f"불러오다 죽습니다: {ended}"),
            )
        said = json.loads(answer.lines[-1])
    fault = said.get("fault")
    return Found(path, said.get("version", ""), _why(fault, path, said["said"]) if fault else "")


def _why(fault: str, path: Path, said: str) -> str:
    """A sentence for a fault of check.py."""
    return {
        "load": say(f"{path} cannot be loaded: {said}", f"{path}을(를) 불러올 수 없습니다: {said}"),
        "symbol": say(
            f"{path} is no ONNX Runtime: {said}", f"{path}은(는) ONNX Runtime이 아닙니다: {said}"
        ),
        "old": say(
            f"{path} is ONNX Runtime {said}; 1.{VERSION} is the oldest that reads our graphs.",
            f"{path}은(는) ONNX Runtime {said}입니다. 1.{VERSION}부터 쓸 수 있습니다.",
        ),
    }[fault]
