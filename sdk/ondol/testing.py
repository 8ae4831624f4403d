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

from ondol.bundle import Bundle
from ondol.device import Report
from ondol.errors import (
    BundleError,
    ContextFull,
    ContractBroken,
    DeviceUnavailable,
    NoSnapshot,
    OptionError,
    SessionClosed,
)
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime
from ondol.snapshot import Snapshot
from ondol.testing_promises import broken, like, near, raised, refuses, require, same

CONTEXT = 96  # three quarters of it are a prompt long enough to be prefilled in one go


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
        raise broken(name, f"{type(exc).__name__}: {exc}") from exc


def _probes(subject: Subject) -> None:
    report = subject.runtime.probe()
    kept = isinstance(report, Report) and report.name == subject.runtime.name
    require("probe", kept and bool(report.reason), f"probe() → {report}")


def _appends(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session:
        require("append", session.length == 0, f"length {session.length}")
        logits = session.append(ids)
        like("append", logits, (session.vocabulary,))
        require("append", session.length == len(ids), f"length {session.length}")
        session.append([1])
        require("append", session.length == len(ids) + 1, f"length {session.length}")


def _appends_all(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session:
        rows = session.append_all(ids).copy()
        like("append_all", rows, (len(ids), session.vocabulary))
        require("append_all", session.length == len(ids), f"length {session.length}")
        session.rewind(0)
        near("append_all", session.append(ids), rows[-1])


def _steps(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session:
        whole = session.append_all(ids).copy()
        session.rewind(0)
        for at, token in enumerate(ids[:16]):
            near("steps", session.append([token]), whole[at])
        session.append(ids[16:-1])
        near("steps", session.append(ids[-1:]), whole[-1])


def _rewinds(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session:
        session.append(ids)
        first = session.append([1]).copy()
        session.append([5, 6])
        session.rewind(len(ids))
        require("rewind", session.length == len(ids), f"length {session.length}")
        same("rewind", session.append([1]), first)
        refuses("rewind", OptionError, lambda: session.rewind(-1))
        refuses("rewind", OptionError, lambda: session.rewind(session.length + 1))
        require("rewind", session.length == len(ids) + 1, f"length {session.length}")


def _keeps_context(subject: Subject) -> None:
    ids = subject.prompt()
    free = subject.plan.context - len(ids)
    with subject.open() as session:
        require("context", session.context == subject.plan.context, f"{session.context}")
        session.append(ids)
        first = session.append([1]).copy()
        session.rewind(len(ids))
        refuses("context", ContextFull, lambda: session.append([2] * (free + 1)))
        refuses("context", ContextFull, lambda: session.append_all([2] * (free + 1)))
        require("context", session.length == len(ids), f"length {session.length}")
        same("context", session.append([1]), first)
        session.append([2] * (free - 1))
        refuses("context", ContextFull, lambda: session.append([2]))


def _refuses_ids(subject: Subject) -> None:
    with subject.open() as session:
        session.append([1, 2])
        for ids in ([], [-1], [session.vocabulary], [0, 1 << 40]):
            refuses("ids", OptionError, partial(session.append, ids))
            refuses("ids", OptionError, partial(session.append_all, ids))
        require("ids", session.length == 2, f"length {session.length}")


def _closes(subject: Subject) -> None:
    session = subject.open()
    session.append([1])
    session.close()
    session.close()
    refuses("close", SessionClosed, lambda: session.append([1]))
    refuses("close", SessionClosed, lambda: session.append_all([1]))
    refuses("close", SessionClosed, lambda: session.rewind(0))


def _is_exclusive(subject: Subject) -> None:
    caught: list[BaseException | None] = []

    def use() -> None:
        caught.append(raised(lambda: session.append([1])))

    with subject.open() as session:
        with session._exclusive():
            thread = threading.Thread(target=use)
            thread.start()
            thread.join()
        require("exclusive", isinstance(caught[0], OptionError), f"{caught[0]!r}")
        require("exclusive", session.length == 0, f"length {session.length}")
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
        same("apart", first.append([1]), alone)


def _snapshots(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session, subject.open() as other:
        session.append(ids)
        try:
            taken = session.snapshot()
        except NoSnapshot:  # a device may say so; then it takes none either
            refuses("snapshot", NoSnapshot, lambda: other.restore(Snapshot(0, {})))
            return
        first = session.append([1]).copy()
        require("snapshot", taken.length == len(ids), f"length {taken.length}")
        for holder in (session, other, other):  # over more, over nothing, over the same
            holder.restore(taken)
            require("snapshot", holder.length == len(ids), f"length {holder.length}")
            same("snapshot", holder.append([1]), first)
        other.restore(taken.first(2))
        other.append(ids[2:])
        near("snapshot", other.append([1]), first)
        refuses("snapshot", OptionError, lambda: other.restore(Snapshot(2, {"alien": first})))
        longer = Snapshot(subject.plan.context + 1, taken.arrays)
        refuses("snapshot", ContextFull, lambda: other.restore(longer))
        require("snapshot", other.length == len(ids) + 1, f"length {other.length}")
    refuses("snapshot", SessionClosed, session.snapshot)
    refuses("snapshot", SessionClosed, lambda: session.restore(taken))


def _survives_writing(subject: Subject) -> None:
    ids = subject.prompt()
    with subject.open() as session:
        session.append(ids)
        logits = session.append([1])
        first = logits.copy()
        logits[:] = -1.0  # samplers change logits in place
        session.rewind(len(ids))
        same("writing", session.append([1]), first)


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
    "snapshot": _snapshots,
}
"""Every check by name."""
