"""One job in a process of its own: read as JSON from stdin, told as lines of JSON on stdout.

The process ends at once when its parent does, however that dies: it watches the other end of
stdin. So nobody converts on for a sweep that is gone.
"""

import json
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from ondol import __version__
from ondol.errors import Busy, OptionError
from ondol.language import say
from ondol.memory import peak_resident_bytes
from ondol.starter import STARTERS
from ondol_converters.conversion import Conversion, convert
from ondol_converters.starters import convert_starter
from ondol_converters.sweep.job import Fault, Job, Record, failed
from ondol_converters.sweep.quality import bits_per_character

ORPHAN = 9
PATIENCE_SECONDS = 30.0
TELL_SECONDS = 0.25


def main() -> None:
    """Do the job and print its record; an exit code other than 0 means that there is none."""
    job = Job.parse(sys.stdin.readline())
    threading.Thread(target=_watch, daemon=True).start()
    out = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints must not be taken for the record
    tell = _Teller(job.key)
    try:
        record = _done(job, tell)
    except Exception as exc:  # whatever it is, it is this job's and no other's
        record = failed(job, Fault.of(exc))
    record = replace(record, peak_bytes=peak_resident_bytes())
    print(json.dumps({"record": record.to_json()}), file=out, flush=True)


def _watch() -> None:
    """End with the parent: nothing comes on stdin but its end."""
    sys.stdin.read()
    os._exit(ORPHAN)


class _Teller:
    """Prints progress, not more often than a person reads."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._out = sys.__stdout__
        self._stage = ""
        self._next = 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage == self._stage and now < self._next:
            return
        self._stage, self._next = stage, now + TELL_SECONDS
        event = {"job": self._key, "stage": stage, "done": done, "total": total}
        print(json.dumps(event), file=self._out, flush=True)


def _done(job: Job, tell: _Teller) -> Record:
    if job.version != __version__:
        raise OptionError(
            say(
                f"Ondol is {__version__} here and {job.version} where the sweep runs.",
                f"이곳의 온돌은 {__version__}, 스윕을 시작한 곳은 {job.version}입니다.",
            ),
            say("Bundles of two versions would be mixed.", "두 버전의 번들이 섞입니다."),
            f'pip install "ondol[converters,sweep]=={job.version}"',
        )
    made = _converted(job, tell)
    bundle = made.bundle
    records = bundle.manifest.recipe.matrices
    size = sum(record.bytes for record in records)
    return Record(
        key=job.key,
        model=job.model,
        recipe=job.recipe,
        target=job.target,
        state="done",
        source_bytes=sum(origin.size for origin in bundle.manifest.origins),
        size_bytes=bundle.size,
        parameters=made.parameters,
        bits_per_weight=8 * size / max(made.parameters, 1),
        bits_per_character=bits_per_character(bundle, tell) if job.evaluate else None,
    )


def _converted(job: Job, tell: _Teller) -> Conversion:
    """Convert; wait a while for a process that still holds the folder, such as one dying."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            if job.source in STARTERS:
                starter = STARTERS[job.source]
                return convert_starter(starter, job.folder, options=job.options, progress=tell)
            return convert(Path(job.source), job.folder, options=job.options, progress=tell)
        except Busy:
            if time.monotonic() > end:
                raise
            time.sleep(TELL_SECONDS)


if __name__ == "__main__":
    main()
