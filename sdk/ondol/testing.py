"""The contract of `ondol.runtime` as checks that anyone can run on a device of their own.

    from ondol.testing import check_runtime
    check_runtime(MyRuntime(), Bundle.open(path))

Only what every device promises is checked, not that its numbers are right: for those, compare
its logits with the `reference` device's on the same bundle.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ondol.bundle import Bundle
from ondol.device import Report
from ondol.errors import (
    BundleError,
    ContextFull,
    ContractBroken,
    DeviceUnavailable,
    OndolError,
    OptionError,
    SessionClosed,
)
from ondol.language import say
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime

if TYPE_CHECKING:
    from ondol.runtime import Logits

CONTEXT = 96  # three quarters of it are a prompt long enough to be prefilled in one go
TOLERANCE = 0.15  # of the largest logit: devices round one row and many rows differently


@dataclass(frozen=True, slots=True)
class Subject:
    """A device under test: a bundle to open on it, and how."""

    runtime: Runtime
    bundle: Bundle
    plan: Plan

    def open(self) -> DecoderSession:
        """A fresh session."""
        return self.runtime.open(self.bundle, self.plan)

    def prompt(self, seed: int = 3) -> list[int]:
        """Token ids for three quarters of the context."""
        count = self.plan.context * 3 // 4
        return [(7 * i + seed) % self.bundle.manifest.model.vocabulary for i in range(count)]


def check_runtime(runtime: Runtime, bundle: Bundle, plan: Plan | None = None) -> None:
    """Check that a device keeps the contract.

    Args:
        runtime: an available device.
        bundle: a decoder that it can open; the smaller the better.
        plan: None: one thread and a short context.

    Raises:
        ContractBroken: at the first promise not kept, naming the check.
        DeviceUnavailable: if the device cannot be used here.
        BundleError: if the bundle does not hold.
    """
    for name in CHECKS:
        check_one(name, runtime, bundle, plan)


def check_one(name: str, runtime: Runtime, bundle: Bundle, plan: Plan | None = None) -> None:
    """One check of `CHECKS` by its name; otherwise as `check_runtime`."""
    context = min(CONTEXT, bundle.manifest.model.context)
    try:
        CHECKS[name](Subject(runtime, bundle, plan or Plan(context, 1, True, False)))
    except (BundleError, ContractBroken, DeviceUnavailable):
        raise
    except Exception as exc:  # whatever is raised where nothing should be breaks the contract
        raise _broken(name, f"{type(exc).__name__}: {exc}") from exc


def _probes(subject: Subject) -> None:
    report = subject.runtime.probe()
    kept = isinstance(report, Report) and report.name == subject.runtime.name
    _require("probe", kept and bool(report.reason), f"probe() → {report}")


def _appends(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session:
        _require("append", session.length == 0, f"length {session.length}")
        logits = session.append(ids)
        _like("append", logits, (session.vocabulary,))
        _require("append", session.length == len(ids), f"length {session.length}")
        session.append([1])
        _require("append", session.length == len(ids) + 1, f"length {session.length}")


def _appends_all(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session:
        rows = session.append_all(ids).copy()
        _like("append_all", rows, (len(ids), session.vocabulary))
        _require("append_all", session.length == len(ids), f"length {session.length}")
        session.rewind(0)
        _near("append_all", session.append(ids), rows[-1])


def _steps(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session:
        whole = session.append_all(ids).copy()
        session.rewind(0)
        for at, token in enumerate(ids[:16]):
            _near("steps", session.append([token]), whole[at])
        session.append(ids[16:-1])
        _near("steps", session.append(ids[-1:]), whole[-1])


def _rewinds(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session:
        session.append(ids)
        first = session.append([1]).copy()
        session.append([5, 6])
        session.rewind(len(ids))
        _require("rewind", session.length == len(ids), f"length {session.length}")
        _same("rewind", session.append([1]), first)
        _refuses("rewind", OptionError, lambda: session.rewind(-1))
        _refuses("rewind", OptionError, lambda: session.rewind(session.length + 1))
        _require("rewind", session.length == len(ids) + 1, f"length {session.length}")


def _keeps_context(subject: Subject) -> None:
    ids = subject.prompt()
    free = subject.plan.context - len(ids)
    with subject.open() as session:
        _require("context", session.context == subject.plan.context, f"{session.context}")
        session.append(ids)
        first = session.append([1]).copy()
        session.rewind(len(ids))
        _refuses("context", ContextFull, lambda: session.append([2] * (free + 1)))
        _refuses("context", ContextFull, lambda: session.append_all([2] * (free + 1)))
        _require("context", session.length == len(ids), f"length {session.length}")
        _same("context", session.append([1]), first)
        session.append([2] * (free - 1))
        _refuses("context", ContextFull, lambda: session.append([2]))


def _refuses_ids(subject: Subject) -> None:
    with subject.open() as session:
        session.append([1, 2])
        for ids in ([], [-1], [session.vocabulary], [0, 1 << 40]):
            _refuses("ids", OptionError, partial(session.append, ids))
            _refuses("ids", OptionError, partial(session.append_all, ids))
        _require("ids", session.length == 2, f"length {session.length}")


def _closes(subject: Subject) -> None:
    session = subject.open()
    session.append([1])
    session.close()
    session.close()
    _refuses("close", SessionClosed, lambda: session.append([1]))
    _refuses("close", SessionClosed, lambda: session.append_all([1]))
    _refuses("close", SessionClosed, lambda: session.rewind(0))


def _is_exclusive(subject: Subject) -> None:
    caught: list[BaseException | None] = []

    def use() -> None:
        caught.append(_raised(lambda: session.append([1])))

    with subject.open() as session:
        with session._exclusive():
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
        _require("exclusive", isinstance(caught[0], OptionError), f"{caught[0]!r}")
        _require("exclusive", session.length == 0, f"length {session.length}")
        session.append([1])


def _are_apart(subject: Subject) -> None:
    one, two = subject.prompt(), subject.prompt(seed=11)
    with subject.open() as session:
        session.append(one)
        alone = session.append([1]).copy()
    with subject.open() as first, subject.open() as second:
        first.append(one)
        second.append(two)
        second.append([1])
        _same("apart", first.append([1]), alone)


def _survives_writing(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session:
        session.append(ids)
        logits = session.append([1])
        first = logits.copy()
        logits[:] = -1.0  # samplers change logits in place
        session.rewind(len(ids))
        _same("writing", session.append([1]), first)


CHECKS: Mapping[str, Callable[[Subject], None]] = {
    "probe": _probes,
    "append": _appends,
    "append_all": _appends_all,
    "steps": _steps,
    "rewind": _rewinds,
    "context": _keeps_context,
    "ids": _refuses_ids,
    "close": _closes,
    "exclusive": _is_exclusive,
    "apart": _are_apart,
    "writing": _survives_writing,
}
"""Every check by name."""


def _raised(call: Callable[[], object]) -> BaseException | None:
    try:
        call()
    except Exception as exc:  # whatever a device raises is what is judged
        return exc
    return None


def _refuses(check: str, kind: type[OndolError], call: Callable[[], object]) -> None:
    raised = _raised(call)
    _require(check, isinstance(raised, kind), f"{raised!r} ≠ {kind.__name__}")


def _like(check: str, logits: "Logits", shape: tuple[int, ...]) -> None:
    import numpy as np

    kept = isinstance(logits, np.ndarray) and logits.dtype == np.float32 and logits.shape == shape
    _require(check, kept and bool(np.isfinite(logits).all()), f"{logits!r:.200} ≠ {shape}")


def _near(check: str, found: "Logits", wanted: "Logits") -> None:
    import numpy as np

    _like(check, found, wanted.shape)
    error = float(np.abs(found - wanted).max() / np.abs(wanted).max())
    _require(check, error <= TOLERANCE, f"{error:.3f} > {TOLERANCE}")


def _same(check: str, found: "Logits", wanted: "Logits") -> None:
    import numpy as np

    _like(check, found, wanted.shape)
    _require(check, bool(np.array_equal(found, wanted)), f"{np.abs(found - wanted).max()} ≠ 0")


def _require(check: str, kept: bool, found: str) -> None:
    if not kept:
        raise _broken(check, found)


def _broken(check: str, found: str) -> ContractBroken:
    return ContractBroken(
        say(f"The device breaks the contract: {check}.", f"장치가 규약을 어깁니다: {check}"),
        found,
        say("Read ondol.runtime on this method.", "ondol.runtime의 설명을 보고 고치세요."),
    )
