"""`ondol sweep`: models × recipes × targets, here or on a cluster, into one report."""

import json as json_format
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ondol.cli.facts import megabytes
from ondol.cli.making import stage_title
from ondol.cli.output import console, note, safe, show_table, terminal
from ondol.errors import OptionError, SweepError
from ondol.language import say
from ondol.preparing import converters

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SWEEP = "ondol_converters.sweep"
MOST_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Result:
    """The last line of `--json`: how many jobs there are, and how they went."""

    event: str
    jobs: int
    done: int
    failed: int
    kept: int
    report: str


def sweep(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="SWEEP.toml",
            help=say(
                "What to convert: models, recipes, targets (converters/README.md).",
                "변환할 것: 모델, 레시피, 대상(converters/README.md).",
            ),
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            show_default=False,
            help=say(
                "Where bundles, records and the report go; otherwise where the file says.",
                "번들, 기록, 보고서를 둘 폴더. 없으면 파일에 적힌 곳.",
            ),
        ),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs",
            metavar="N",
            show_default=False,
            help=say(
                "Conversions at a time on this machine; otherwise one for each core.",
                "이 기기에서 한 번에 할 변환 수. 없으면 코어마다 하나.",
            ),
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="tcp://HOST:PORT",
            show_default=False,
            help=say(
                "Run on the workers of this Dask scheduler, which share the disk.",
                "디스크를 함께 쓰는 이 Dask 스케줄러의 워커에서 실행합니다.",
            ),
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help=say(
                "Print events as they come, one JSON object a line; the last is the result.",
                "일어나는 일을 한 줄에 JSON 객체 하나씩 출력합니다. 마지막 줄이 결과입니다.",
            ),
        ),
    ] = False,
) -> None:
    """Convert models × recipes × targets."""
    if jobs is not None and not 1 <= jobs <= MOST_AT_ONCE:
        raise OptionError(
            say(f"--jobs cannot be {jobs}.", f"--jobs에 쓸 수 없는 값입니다: {jobs}"),
            "",
            say(f"Choose 1 to {MOST_AT_ONCE}.", f"1에서 {MOST_AT_ONCE} 사이로 고르세요."),
        )
    with converters():
        plan = import_module(f"{SWEEP}.spec").read(file, out)
        run = import_module(f"{SWEEP}.run").sweep
        total = len(plan.jobs())
        with _lines(total) if json else _screen(total) as screen:
            swept = run(
                plan,
                count=jobs or _cores(),
                scheduler=scheduler,
                notify=screen.moved,
                finished=screen.ended,
            )
    result = Result("end", total, total - swept.failed, swept.failed, swept.kept, str(swept.report))
    if json:
        _line(asdict(result))
    else:
        _show(result, swept.records)
    if swept.failed:
        raise typer.Exit(SweepError.exit_code)


def _cores() -> int:
    from ondol.plan import usable_cores

    return usable_cores()


def _line(value: dict[str, Any]) -> None:
    print(json_format.dumps(value, ensure_ascii=False), flush=True)


class _Lines:
    """Events as lines of JSON on stdout."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def moved(self, event: Any) -> None:
        """A job is somewhere else than before."""
        with self._lock:
            _line({"event": "progress", **asdict(event)})

    def ended(self, record: Any, kept: bool) -> None:
        """A job has a record."""
        with self._lock:
            _line({"event": "job", "kept": kept, **asdict(record)})


class _Plain:
    """A line on stderr for every job that ends."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._ended = 0

    def moved(self, event: Any) -> None:
        """Where a job is fills no log."""

    def ended(self, record: Any, kept: bool) -> None:
        """A job has a record."""
        self._ended += 1
        print(f"[{self._ended}/{self._total}] {_told(record, kept)}", file=sys.stderr, flush=True)


class _Bars:
    """A bar for the whole, and one for each job at work."""

    def __init__(self, bars: "Progress", total: int) -> None:
        self._bars = bars
        self._lock = threading.Lock()
        self._all = bars.add_task(say("Sweep", "스윕"), total=total)
        self._tasks: dict[str, TaskID] = {}

    def moved(self, event: Any) -> None:
        """A job is somewhere else than before."""
        title = safe(f"  {event.job}: {stage_title(event.stage)}")
        with self._lock:
            if event.job not in self._tasks:
                self._tasks[event.job] = self._bars.add_task(title)
            task = self._tasks[event.job]
            self._bars.update(task, description=title, completed=event.done, total=event.total)

    def ended(self, record: Any, kept: bool) -> None:
        """A job has a record."""
        with self._lock:
            if record.key in self._tasks:
                self._bars.remove_task(self._tasks.pop(record.key))
            self._bars.advance(self._all)
        self._bars.console.print(safe(_told(record, kept)), markup=False)


@contextmanager
def _lines(total: int) -> Iterator[_Lines]:
    _line({"event": "start", "jobs": total})
    yield _Lines()


@contextmanager
def _screen(total: int) -> Iterator[_Bars | _Plain]:
    if not terminal(sys.stderr):
        yield _Plain(total)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console(sys.stderr)) as bars:
        yield _Bars(bars, total)


def _told(record: Any, kept: bool) -> str:
    """What a job came to, in one line."""
    if record.error is not None:
        return say(
            f"{record.key}: failed: {record.error.what}", f"{record.key}: 실패: {record.error.what}"
        )
    size = megabytes(record.size_bytes)
    if kept:
        return say(f"{record.key}: {size}, done before", f"{record.key}: {size}, 이미 되어 있음")
    return say(
        f"{record.key}: {size} in {record.seconds:.1f} s",
        f"{record.key}: {size}, {record.seconds:.1f}초",
    )


def _show(result: Result, records: tuple[Any, ...]) -> None:
    headers = (
        say("model", "모델"),
        say("recipe", "레시피"),
        say("target", "대상"),
        say("state", "상태"),
        say("size", "크기"),
        say("bits/weight", "가중치당 비트"),
        say("time", "시간"),
        say("memory", "메모리"),
    )
    show_table(headers, [_row(record) for record in records])
    note(
        say(
            f"{result.done} done ({result.kept} before), {result.failed} failed.",
            f"완료 {result.done}개(전에 한 것 {result.kept}개), 실패 {result.failed}개.",
        )
    )
    note(say(f"Report: {result.report}", f"보고서: {result.report}"))


def _row(record: Any) -> tuple[str, ...]:
    names = (record.model, record.recipe, record.target)
    if record.error is not None:
        return (*names, say("failed", "실패"), "", "", f"{record.seconds:.1f} s", "")
    return (
        *names,
        say("done", "완료"),
        megabytes(record.size_bytes),
        f"{record.bits_per_weight:.2f}",
        f"{record.seconds:.1f} s",
        megabytes(record.peak_bytes),
    )
