"""A time limit for what a device does inside this process, where nothing can be ended by force."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Protocol, TypeVar

from ondol.errors import DeviceTimeout
from ondol.language import say


class Closable(Protocol):
    """What frees a device when it is closed."""

    def close(self) -> None:
        """Free it."""


Made = TypeVar("Made", bound=Closable)


def within(seconds: float | None, make: Callable[[], Made], device: str) -> Made:
    """What `make` returns, if it does within some seconds; None: without a limit.

    Raises:
        DeviceTimeout: if it does not. Its thread is left alone; what it still makes is closed.
    """
    if seconds is None:
        return make()
    future: Future[Made] = Future()
    # A daemon: one that hangs must not keep the process from ending
    threading.Thread(target=_fill, args=(future, make), name="ondol-device", daemon=True).start()
    if wait((future,), seconds).done:
        return future.result()
    future.add_done_callback(_close)
    raise DeviceTimeout(
        say(f"The device {device} gives no answer.", f"{device} 장치가 응답하지 않습니다."),
        say(
            f"It was to open the bundle within {seconds:g} s.",
            f"{seconds:g}초 안에 번들을 열어야 했습니다.",
        ),
        say(
            "Start the program again, or choose another device: ondol devices",
            "프로그램을 다시 시작하거나 다른 장치를 고르세요: ondol devices",
        ),
    )


def _fill(future: "Future[Made]", make: Callable[[], Made]) -> None:
    try:
        made = make()
    except BaseException as exc:  # handed to whoever waits
        future.set_exception(exc)
    else:
        future.set_result(made)


def _close(late: "Future[Made]") -> None:
    if late.exception() is None:
        late.result().close()
