"""A sweep from its jobs to its report: what is done already is kept, a failure loses nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ondol.bundle import Bundle
from ondol.errors import BundleError
from ondol.files import locked, storage_errors, write_whole
from ondol_converters.sweep.cluster import run_on_cluster
from ondol_converters.sweep.job import Job, Record
from ondol_converters.sweep.local import run_here
from ondol_converters.sweep.report import page
from ondol_converters.sweep.running import Notify
from ondol_converters.sweep.spec import Sweep

RECORDS = "jobs"
REPORT = "report.html"

Finished = Callable[[Record, bool], None]
"""Called with a job's record, and whether it was kept from an earlier run."""


@dataclass(frozen=True, slots=True)
class Swept:
    """A finished sweep: every job's record in the order of the file, and the report."""

    records: tuple[Record, ...]
    kept: int
    report: Path

    @property
    def failed(self) -> int:
        """How many jobs came to nothing."""
        return sum(record.state == "failed" for record in self.records)


def sweep(
    plan: Sweep,
    *,
    count: int = 1,
    scheduler: str | None = None,
    notify: Notify,
    finished: Finished,
) -> Swept:
    """Run what is not done yet, then write the report.

    Args:
        count: jobs at a time on this machine.
        scheduler: the address of a Dask scheduler to run them on instead.

    Raises:
        Busy: if another sweep writes to the same folder.
        ClusterLost, MissingExtra: see `run_on_cluster`.
        StorageError: if a record or the report cannot be written.
    """
    jobs = plan.jobs()
    folder = plan.out / RECORDS
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        prints = {job.key: job.fingerprint() for job in jobs}
        records = dict(_kept(jobs, folder, prints))
        for record in records.values():
            finished(record, True)
        kept = len(records)
        left = [job for job in jobs if job.key not in records]
        try:
            for record in _run(left, count, scheduler, notify):
                signed = replace(record, fingerprint=prints[record.key])
                write_whole(folder / f"{record.key}.json", signed.to_json().encode())
                records[record.key] = signed
                finished(signed, False)
        finally:  # also of a sweep cut short there is a report
            known = tuple(records[job.key] for job in jobs if job.key in records)
            write_whole(plan.out / REPORT, page(known, len(jobs)).encode())
    return Swept(known, kept, plan.out / REPORT)


def _run(
    jobs: Sequence[Job], count: int, scheduler: str | None, notify: Notify
) -> Iterator[Record]:
    if not jobs:
        return iter(())
    if scheduler is None:
        return run_here(jobs, count, notify)
    return run_on_cluster(scheduler, jobs, notify)


def _kept(
    jobs: Sequence[Job], folder: Path, prints: dict[str, str]
) -> Iterator[tuple[str, Record]]:
    """Records of an earlier run that still hold: done, of the same inputs, the bundle there."""
    for job in jobs:
        try:
            record = Record.parse((folder / f"{job.key}.json").read_text("utf-8"))
            if record.state == "done" and record.fingerprint == prints[job.key]:
                Bundle.open(job.folder)
                yield job.key, record
        except (OSError, ValueError, TypeError, BundleError):
            continue  # none, or none that can be trusted: the job runs again
