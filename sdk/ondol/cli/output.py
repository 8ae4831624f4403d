"""How commands print: plain text where a machine reads, colours and bars where a person does.

Whatever a model, a user or a file wrote is printed as it is: never read as markup, and control
characters shown instead of obeyed.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.progress import Progress, TaskID
    from rich.table import Table

PLAIN_WIDTH = 10_000  # a machine that reads a table wants no cell cut or wrapped


class Stage(Protocol):
    """Shows long work as it goes."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """What is being done, how much is done and how much there is."""

    def row(self, headers: Sequence[str], cells: Sequence[str]) -> None:
        """A row of the one table above the bars; the first brings the headers."""


_SHOWN = {code: 0x2400 + code for code in range(32) if chr(code) not in "\t\n"}
_SHOWN |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)


class Dataclass(Protocol):
    """Any dataclass: what `--json` prints."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


def safe(text: str) -> str:
    """Text whose control characters are visible signs, so that no terminal obeys them."""
    return text.translate(_SHOWN)


def terminal(stream: TextIO) -> bool:
    """Whether a person at a terminal is on the other side of a stream."""
    return not stream.closed and stream.isatty()


def console(stream: TextIO) -> "Console":
    """A rich console that interprets nothing; without colours where no terminal is."""
    from rich.console import Console

    class _Console(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    width = None if terminal(stream) else PLAIN_WIDTH
    return _Console(file=stream, width=width, markup=False, emoji=False, highlight=False)


def show_json(value: Dataclass) -> None:
    """Print a dataclass as one JSON object."""
    print(json.dumps(asdict(value), ensure_ascii=False, indent=1))


def show_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with a line of headers."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for header in headers:
        table.add_column(Text(header, style="bold"), overflow="fold")
    for row in rows:
        table.add_row(*(Text(safe(cell)) for cell in row))
    _print_table(table)


def show_pairs(title: str, pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and their values below a title."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(Text(f"  {name}", style="dim"), Text(safe(value)))
    if title:
        console(sys.stdout).print(Text(title, style="bold"))
    _print_table(table)


def _print_table(table: object) -> None:
    out = console(sys.stdout)
    if terminal(sys.stdout):
        out.print(table)
        return
    with out.capture() as captured:
        out.print(table)
    for line in captured.get().splitlines():
        print(line.rstrip())


def note(text: str) -> None:
    """A dim line beside the real output; on stderr where a machine reads stdout."""
    _dim(text, sys.stdout if terminal(sys.stdout) else sys.stderr)


def closing(text: str) -> None:
    """The dim line that belongs to what it ends, so it goes to stdout with it."""
    _dim(text, sys.stdout)


def _dim(text: str, stream: TextIO) -> None:
    from rich.text import Text

    console(stream).print(Text(safe(text), style="dim"))


@contextmanager
def progress(titles: Callable[[str], str]) -> Iterator[Stage]:
    """Show stages of work on stderr: a bar each at a terminal, else a line each.

    Args:
        titles: what to call a stage, by the name the work gives it.
    """
    if not terminal(sys.stderr):
        yield _Lines(titles)
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))

    class _Tabled(Progress):
        def get_renderables(self) -> "Iterable[RenderableType]":
            if table.columns:
                yield table
            yield self.make_tasks_table(self.tasks)

    bars = _Tabled(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=console(sys.stderr),
    )
    with bars:
        yield _Bars(bars, table, titles)


@contextmanager
def waiting(text: str) -> Iterator[Callable[[], None]]:
    """Show on stderr that something is under way, until the function it gives is called."""
    if not terminal(sys.stderr):
        yield _nothing
        return
    from rich.text import Text

    status = console(sys.stderr).status(Text(text, style="dim"))
    status.start()
    try:
        yield status.stop
    finally:
        status.stop()


def _nothing() -> None:
    """There is nothing to take away."""


class _Lines:
    def __init__(self, titles: Callable[[str], str]) -> None:
        self._titles = titles
        self._last = ""
        self._rows = 0

    def row(self, headers: Sequence[str], cells: Sequence[str]) -> None:
        for line in (cells,) if self._rows else (headers, cells):
            print(safe("  ".join(line)), file=sys.stderr, flush=True)
        self._rows += 1

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage != self._last:
            self._last = stage
            print(safe(self._titles(stage)), file=sys.stderr, flush=True)


class _Bars:
    def __init__(self, bars: "Progress", table: "Table", titles: Callable[[str], str]) -> None:
        self._bars = bars
        self._table = table
        self._titles = titles
        self._tasks: dict[str, TaskID] = {}

    def row(self, headers: Sequence[str], cells: Sequence[str]) -> None:
        from rich.text import Text

        if not self._table.columns:
            for header in headers:
                self._table.add_column(Text(header, style="bold"), justify="right")
        self._table.add_row(*(Text(safe(cell)) for cell in cells))
        self._bars.refresh()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(safe(self._titles(stage)), total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)
