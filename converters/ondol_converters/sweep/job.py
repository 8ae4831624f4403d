"""One conversion of a sweep, and the record of how it went: both travel as JSON."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from ondol import __version__
from ondol.errors import OndolError
from ondol.language import say
from ondol_converters.recipe import Options
from ondol_converters.sweep.tables import options_of, table_of

State = Literal["done", "failed"]
BETWEEN = "+"
"""Between the parts of a job's key; no name may hold it."""


@dataclass(frozen=True, slots=True)
class Job:
    """A model by its name in the sweep and its path (or a starter's name), and what to make of it.

    `folder` is where the bundle goes, an absolute path. `version` is the Ondol that planned it.
    """

    model: str
    recipe: str
    target: str
    source: str
    options: Options
    folder: Path
    evaluate: bool = False
    version: str = __version__

    @property
    def key(self) -> str:
        """What the job, its bundle and its record are called."""
        return BETWEEN.join((self.model, self.recipe, self.target))

    def to_json(self) -> str:
        """The job in one line, for another process."""
        table = {f.name: getattr(self, f.name) for f in fields(self)}
        table |= {"options": table_of(self.options), "folder": str(self.folder)}
        return json.dumps(table)

    @classmethod
    def parse(cls, text: str) -> "Job":
        """A job from `to_json`."""
        table = json.loads(text)
        options = options_of(table["options"], "options", Path())
        return cls(**{**table, "options": options, "folder": Path(table["folder"])})

    def fingerprint(self) -> str:
        """SHA-256 over everything a bundle depends on; files count by size and time of change."""
        files = [
            path
            for start in (Path(self.source), *self.options.calibration)
            for path in (sorted(start.iterdir()) if start.is_dir() else [start])
            if path.is_file()
        ]
        stamps = [(str(path), (s := path.stat()).st_size, s.st_mtime_ns) for path in files]
        text = json.dumps([self.to_json(), stamps])
        return hashlib.sha256(text.encode()).hexdigest()

    def source_bytes(self) -> int:
        """The bytes of the model's files; 0 of a starter."""
        path = Path(self.source)
        files = path.iterdir() if path.is_dir() else [path]
        return sum(file.stat().st_size for file in files if file.is_file())


@dataclass(frozen=True, slots=True)
class Fault:
    """An error as it is shown: its class, what, why, and the fix."""

    kind: str
    what: str
    why: str
    fix: str

    @classmethod
    def of(cls, exc: BaseException) -> "Fault":
        """Any exception; those that nobody expected by their class."""
        if isinstance(exc, OndolError):
            return cls(type(exc).__name__, exc.what, exc.why, exc.fix)
        what = say("Something unexpected happened.", "예상하지 못한 일이 일어났습니다.")
        return cls(type(exc).__name__, what, str(exc)[:400], "")


@dataclass(frozen=True, slots=True)
class Record:
    """How a job went. Sizes in bytes; `peak_bytes` is the most memory its process held.

    `bits_per_character` are by language; empty where nothing was measured.
    """

    key: str
    model: str
    recipe: str
    target: str
    state: State
    seconds: float = 0.0
    peak_bytes: int = 0
    source_bytes: int = 0
    size_bytes: int = 0
    parameters: int = 0
    bits_per_weight: float = 0.0
    bits_per_character: dict[str, float] | None = None
    error: Fault | None = None
    host: str = ""
    fingerprint: str = ""

    def to_json(self) -> str:
        """The record as text."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def parse(cls, text: str) -> "Record":
        """A record from `to_json`.

        Raises:
            ValueError: if it is none, or one of another version.
        """
        table: Any = json.loads(text)
        if not isinstance(table, dict) or set(table) != {f.name for f in fields(cls)}:
            raise ValueError("not a record")
        error = table["error"]
        return cls(**{**table, "error": None if error is None else Fault(**error)})


def failed(job: Job, fault: Fault, host: str = "", seconds: float = 0.0) -> Record:
    """The record of a job that came to nothing."""
    record = Record(job.key, job.model, job.recipe, job.target, "failed")
    return replace(record, error=fault, host=host, seconds=seconds)
