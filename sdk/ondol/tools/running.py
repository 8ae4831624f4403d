"""One call of a tool: in time, whatever it raises, and no more of its result than asked for.

A thread cannot be ended from outside, so a tool that hangs is abandoned: its thread is a daemon,
runs on until the process ends, and what it still returns is dropped.
"""

import dataclasses
import inspect
import json
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextvars import copy_context
from enum import StrEnum
from typing import Any

from ondol.tools.functions import Function

MESSAGE = 500  # characters of an exception that the model is told


class Ran(StrEnum):
    """How a call went."""

    DONE = "done"
    RAISED = "raised"
    LATE = "late"  # it did not return in time, and was abandoned
    INVALID = "invalid"  # no such tool, or arguments that do not fit
    VETOED = "vetoed"


def run_function(
    function: Function, arguments: dict[str, Any], seconds: float, characters: int
) -> tuple[Ran, str]:
    """How a call went, and what the model is told.

    Args:
        function: the tool.
        arguments: by name, as instances of the parameters' types.
        seconds: how long it may take.
        characters: how much of its result is kept; what is cut is said.
    """
    future: Future[Any] = Future()
    job = copy_context().run
    threading.Thread(
        target=job,
        args=(_fill, future, function.call, arguments),
        name=f"ondol-tool-{function.tool.name}",
        daemon=True,
    ).start()
    if not wait((future,), seconds).done:
        return Ran.LATE, f"오류: {seconds:g}초 안에 끝나지 않았습니다."
    failed = future.exception()
    if failed is not None:
        return Ran.RAISED, f"오류: {type(failed).__name__}: {failed}"[:MESSAGE]
    return Ran.DONE, shortened(future.result(), characters)


def shortened(text: str, characters: int) -> str:
    """A text of at most so many characters, and a statement of what was cut."""
    if len(text) <= characters:
        return text
    return f"{text[:characters]}\n[{len(text):,}자 가운데 앞 {characters:,}자만 보입니다.]"


def _fill(future: "Future[str]", call: Callable[..., Any], arguments: dict[str, Any]) -> None:
    try:
        made = call(**arguments)
        if inspect.iscoroutine(made):
            import asyncio  # brings sockets along

            made = asyncio.run(made)
        written = _written(made)
    except BaseException as exc:  # told to the model, not raised: a tool must not end the program
        future.set_exception(exc)
    else:
        future.set_result(written)


def _written(result: Any) -> str:
    if isinstance(result, str):
        return result
    return json.dumps(result, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in dataclasses.fields(value)}
    return str(value)
