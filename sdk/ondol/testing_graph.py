"""The contract of `ondol.stateless` as checks that anyone can run on a device of their own.

from ondol.testing_graph import check_graph
check_graph(MyRuntime(), Bundle.open(path))
"""

import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from ondol.bundle import Bundle
from ondol.errors import (
    BundleError,
    ContractBroken,
    DeviceUnavailable,
    OndolError,
    OptionError,
    SessionClosed,
)
from ondol.language import say
from ondol.plan import Plan
from ondol.runtime import Runtime
from ondol.stateless import Port, Session

if TYPE_CHECKING:
    from ondol.stateless import Arrays

SIZE = 5  # of every free dimension


def check_graph(runtime: Runtime, bundle: Bundle, plan: Plan | None = None) -> None:
    """Check that a device keeps the contract of stateless graphs.

    Args:
        runtime: an available device.
        bundle: one whose graph it can open; every input is fed ones.
        plan: None: one thread.

    Raises:
        ContractBroken: at the first promise not kept, naming the check.
        DeviceUnavailable: if the device cannot be used here, or runs decoders only.
        BundleError: if the bundle does not hold.
    """
    for name in CHECKS:
        check_one(name, runtime, bundle, plan)


def check_one(name: str, runtime: Runtime, bundle: Bundle, plan: Plan | None = None) -> None:
    """One check of `CHECKS` by its name; otherwise as `check_graph`."""
    try:
        with runtime.open_graph(bundle, plan or Plan(1, 1, True, False)) as session:
            CHECKS[name](session)
    except (BundleError, ContractBroken, DeviceUnavailable):
        raise
    except Exception as exc:  # whatever is raised where nothing should be breaks the contract
        raise _broken(name, f"{type(exc).__name__}: {exc}") from exc


def feeds_for(session: Session, size: int = SIZE) -> "Arrays":
    """Ones for every input, free dimensions of one size."""
    import numpy as np

    return {
        port.name: np.ones([size if each is None else each for each in port.shape], port.dtype)
        for port in session.inputs
    }


def _runs(session: Session) -> None:
    made = session.run(feeds_for(session))
    _require("run", set(made) == {port.name for port in session.outputs}, f"{sorted(made)}")
    for port in session.outputs:
        _fits("run", port, made)


def _repeats(session: Session) -> None:
    import numpy as np

    first = session.run(feeds_for(session))
    kept = {name: array.copy() for name, array in first.items()}
    session.run(feeds_for(session, SIZE + 2))
    again = session.run(feeds_for(session))
    for name, array in kept.items():
        _require("state", np.array_equal(first[name], array), f"{name} changed later")
        _require("state", np.array_equal(again[name], array), f"{name} differs the second time")


def _refuses_feeds(session: Session) -> None:
    import numpy as np

    good = dict(feeds_for(session))
    name = session.inputs[0].name
    wrong: list[Arrays] = [
        {},
        {**good, "no_such_input": np.ones(1, np.float32)},
        {**good, name: good[name][None]},
        {**good, name: good[name].astype(np.complex64)},
    ]
    for feeds in wrong:
        _refuses("feeds", OptionError, partial(session.run, feeds))
    session.run(good)


def _closes(session: Session) -> None:
    session.close()
    session.close()
    _refuses("close", SessionClosed, lambda: session.run({}))


def _is_exclusive(session: Session) -> None:
    caught: list[BaseException | None] = []
    feeds = feeds_for(session)
    with session.exclusive():
        thread = threading.Thread(target=lambda: caught.append(_raised(lambda: session.run(feeds))))
        thread.start()
        thread.join()
    _require("exclusive", isinstance(caught[0], OptionError), f"{caught[0]!r}")
    session.run(feeds)


CHECKS: Mapping[str, Callable[[Session], None]] = {
    "run": _runs,
    "state": _repeats,
    "feeds": _refuses_feeds,
    "close": _closes,
    "exclusive": _is_exclusive,
}
"""Every check by name."""


def _fits(check: str, port: Port, made: "Arrays") -> None:
    array = made[port.name]
    _require(check, port.takes(array.dtype.name, array.shape), f"{port} ← {array.shape}")


def _raised(call: Callable[[], object]) -> BaseException | None:
    try:
        call()
    except Exception as exc:  # whatever a device raises is what is judged
        return exc
    return None


def _refuses(check: str, kind: type[OndolError], call: Callable[[], object]) -> None:
    raised = _raised(call)
    _require(check, isinstance(raised, kind), f"{raised!r} ≠ {kind.__name__}")


def _require(check: str, kept: bool, found: str) -> None:
    if not kept:
        raise _broken(check, found)


def _broken(check: str, found: str) -> ContractBroken:
    return ContractBroken(
        say(f"The device breaks the contract: {check}.", f"장치가 규약을 어깁니다: {check}"),
        found,
        say("Read ondol.stateless on this method.", "ondol.stateless의 설명을 보고 고치세요."),
    )
