"""Whether a plugin can be used, tried in another process: the same file is asked once."""

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from ondol.child_process import ask, can_ask
from ondol.device import State
from ondol.language import say
from ondol_runtimes.plugin import check

SECONDS = 20.0  # ONNX Runtime and a plugin load in a fraction; one that hangs is not waited for


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin's library and the devices it offers; where `fault` is not empty, why it is no use.

    `state` says which kind of thing is missing then.
    """

    library: str = ""
    onnxruntime: str = ""
    devices: tuple[str, ...] = ()
    fault: str = ""
    state: State = State.AVAILABLE


def find(named: str) -> Found:
    """What is known of a plugin, a file's path or a package's name."""
    path = Path(named)
    try:
        facts = path.stat()
    except OSError:
        return _tried(named, 0, 0)
    return _tried(named, facts.st_mtime_ns, facts.st_size)


@functools.cache
def _tried(named: str, changed: int, size: int) -> Found:
    if can_ask():
        answer = ask("-u", check.__file__, named, seconds=SECONDS)
        if answer.fault or not answer.lines:
            return _missing(
                say(
                    f"{named} was tried in another process, which ended: {answer.fault}",
                    f"{named}을(를) 다른 프로세스에서 시험했으나 끝까지 가지 못했습니다: "
                    f"{answer.fault}",
                )
            )
        said = json.loads(answer.lines[-1])
    else:  # an app with Python inside
        said = check.describe(named)
    if "fault" in said:
        return _missing(_why(said["fault"], named, said["said"]))
    devices = tuple(said["devices"])
    if not devices:
        return Found(
            said["library"],
            said["onnxruntime"],
            fault=say(
                f"{named} was loaded and offers no device on this machine.",
                f"{named}을(를) 불러왔지만 이 기기에서 쓸 장치가 없다고 합니다.",
            ),
            state=State.MISSING_HARDWARE,
        )
    return Found(said["library"], said["onnxruntime"], devices)


def _missing(fault: str) -> Found:
    return Found(fault=fault, state=State.MISSING_SOFTWARE)


def _why(fault: str, named: str, said: str) -> str:
    """A sentence for a fault of check.py."""
    return {
        "package": say(
            f"The package {named} does not say where its library is: {said}",
            f"{named} 패키지에서 라이브러리 위치를 알 수 없습니다: {said}",
        ),
        "file": say(f"There is no file {said}.", f"{said} 파일이 없습니다."),
        "old": say(
            f"ONNX Runtime {said} takes no plugins.",
            f"ONNX Runtime {said}은(는) 플러그인을 받지 않습니다.",
        ),
        "register": say(
            f"{named} is no plugin of ONNX Runtime: {said}",
            f"{named}은(는) ONNX Runtime 플러그인이 아닙니다: {said}",
        ),
    }[fault]
