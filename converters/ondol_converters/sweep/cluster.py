"""Jobs on a Dask cluster, whose machines share the folders of models and results.

A worker that dies takes no job with it: the scheduler gives it to another one. Every worker runs
a job in a process of its own, so that a job that exhausts the memory harms nothing else.
"""

import gc
import logging
import queue
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ondol import __version__
from ondol.errors import ClusterLost, MissingExtra
from ondol.language import say
from ondol_converters.sweep.job import Fault, Job, Record, failed
from ondol_converters.sweep.running import Event, Notify, Runner

if TYPE_CHECKING:
    from distributed import Client, Future

TOPIC = "ondol-sweep"
CONNECT_SECONDS = 10
LONELY_SECONDS = 60
"""How long a cluster may be without any worker."""


def run_on_cluster(address: str, jobs: Sequence[Job], notify: Notify) -> Iterator[Record]:
    """Run jobs on the workers of a scheduler; their records in the order in which they end.

    Args:
        address: of the scheduler, such as tcp://127.0.0.1:8786.

    Raises:
        MissingExtra: if `distributed` is not installed.
        ClusterLost: if the scheduler does not answer, has no workers or another Ondol, or goes
            away.
    """
    with _connected(address) as client:
        watch = _Watch(client, address)  # before a job can reach a worker that is not fit
        client.subscribe_topic(TOPIC, lambda event: notify(Event(**event[1])))
        done: queue.SimpleQueue[Any] = queue.SimpleQueue()
        waiting: dict[str, Job] = {}
        futures = []
        for job in jobs:
            key = f"{TOPIC}-{job.key}-{uuid.uuid4().hex}"
            waiting[key] = job
            future = client.submit(_on_worker, job.to_json(), key=key, pure=False)
            future.add_done_callback(done.put)
            futures.append(future)
        while waiting:
            try:
                future = done.get(timeout=1)
            except queue.Empty:
                watch.look()
                continue
            yield _record(future, waiting.pop(future.key), address)


def _on_worker(text: str) -> str:
    """What a worker does: a job from JSON, its record as JSON."""
    from distributed import get_worker

    worker = get_worker()

    def tell(event: Event) -> None:
        worker.log_event(TOPIC, asdict(event))

    return Runner().run(Job.parse(text), tell).to_json()


def _record(future: "Future", job: Job, address: str) -> Record:
    if future.status == "finished":
        return Record.parse(future.result())
    if future.status != "error":  # cancelled or lost: the client's connection is gone
        raise _lost(address)
    exc: Any = future.exception()
    if type(exc).__name__ == "KilledWorker":
        fault = Fault(
            "KilledWorker",
            say("Several workers died of this job.", "이 작업을 하던 워커가 여럿 죽었습니다."),
            str(exc)[:400],
            say("Look into the workers' logs.", "워커의 로그를 확인하세요."),
        )
    else:
        fault = Fault.of(exc or RuntimeError(future.status))
    return failed(job, fault)


class _Watch:
    """Looks after a cluster while jobs run: is it there, has it workers, are they fit."""

    def __init__(self, client: "Client", address: str) -> None:
        self._client = client
        self._address = address
        self._known: frozenset[str] = frozenset()
        self._seen = time.monotonic()
        self.look()

    def look(self) -> None:
        """Look once.

        Raises:
            ClusterLost: if the scheduler is gone, all workers have been for long, or one of
                them has no Ondol or another one.
        """
        if self._client.status in ("closed", "closing"):
            raise _lost(self._address)
        workers = frozenset(self._client.scheduler_info(n_workers=-1)["workers"])
        now = time.monotonic()
        if workers:
            self._seen = now
        elif now - self._seen > LONELY_SECONDS:
            raise _no_workers(self._address)
        if workers - self._known:
            self._same_ondol()
        self._known = workers

    def _same_ondol(self) -> None:
        """Every process of a cluster reads our jobs, the scheduler's too."""
        found: Any = self._client.get_versions(packages=["ondol"])
        places = {"scheduler": found["scheduler"], **found["workers"]}
        for where, versions in places.items():
            version = (versions or {}).get("packages", {}).get("ondol")
            if version != __version__:
                raise ClusterLost(
                    say(
                        f"The cluster has another Ondol: {version or 'none'} at {where}.",
                        f"클러스터의 온돌이 다릅니다: {where}에 {version or '없음'}.",
                    ),
                    say(f"It is {__version__} here.", f"이곳은 {__version__}입니다."),
                    f'pip install "ondol[converters,sweep]=={__version__}"',
                )


@contextmanager
def _connected(address: str) -> "Iterator[Client]":
    try:
        from distributed import Client
    except ModuleNotFoundError as exc:
        raise MissingExtra(
            say("Dask is not installed.", "Dask가 설치되어 있지 않습니다."),
            say(
                f"The package {exc.name} is missing; without --scheduler none is needed.",
                f"{exc.name} 패키지가 없습니다. --scheduler를 쓰지 않으면 필요하지 않습니다.",
            ),
            'pip install "ondol[sweep]"',
        ) from exc
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is raised here
    # A client that found nobody closes itself when it is collected; inside another one's start,
    # which holds the same lock, it would wait forever
    gc.collect()
    try:
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as exc:
        raise ClusterLost(
            say(
                f"No scheduler answers at {address}.", f"{address}에 응답하는 스케줄러가 없습니다."
            ),
            f"{type(exc).__name__}: {exc}"[:400],
            "dask scheduler; dask worker tcp://HOST:8786; --scheduler tcp://HOST:8786",
        ) from exc
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as exc:
            raise _no_workers(address) from exc
        yield client


def _no_workers(address: str) -> ClusterLost:
    return ClusterLost(
        say(f"The cluster at {address} has no workers.", f"{address} 클러스터에 워커가 없습니다."),
        say("Finished jobs are kept.", "끝난 작업은 그대로 남아 있습니다."),
        f"dask worker {address}",
    )


def _lost(address: str) -> ClusterLost:
    return ClusterLost(
        say(f"The scheduler at {address} is gone.", f"{address} 스케줄러가 사라졌습니다."),
        say("Finished jobs are kept.", "끝난 작업은 그대로 남아 있습니다."),
        say("Start it, then run the same command again.", "다시 띄운 뒤 같은 명령을 실행하세요."),
    )
