"""Jobs in processes of this machine."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from ondol_converters.sweep.job import Job, Record
from ondol_converters.sweep.running import Notify, Runner


def run_here(jobs: Sequence[Job], count: int, notify: Notify) -> Iterator[Record]:
    """Run jobs, `count` at a time; their records in the order in which they end.

    Leaving the iterator early ends the jobs at work.
    """
    runner = Runner()
    pool = ThreadPoolExecutor(count, thread_name_prefix="ondol-sweep")
    try:
        for future in as_completed([pool.submit(runner.run, job, notify) for job in jobs]):
            yield future.result()
    finally:
        runner.stop()
        pool.shutdown(cancel_futures=True)
