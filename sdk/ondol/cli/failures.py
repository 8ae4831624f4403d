"""Errors as a user sees them: what, why, fix; or the same as JSON. The traceback on request."""

import sys
import traceback
from dataclasses import dataclass

from ondol.cli.output import console, safe, show_json
from ondol.errors import OndolError, OptionError
from ondol.language import korean, say

UNEXPECTED = "Unexpected"
INTERRUPTED = 130
READER_GONE = 141


@dataclass(frozen=True, slots=True)
class Failure:
    """An error: its class, and its three sentences."""

    kind: str
    what: str
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class Failed:
    """What a command with `--json` prints instead of its result."""

    error: Failure


def failure(exc: BaseException) -> Failure:
    """An exception as a user sees it."""
    if isinstance(exc, OndolError):
        return Failure(type(exc).__name__, exc.what, exc.why, exc.fix)
    first = next(iter(str(exc).splitlines()), "")
    return Failure(
        UNEXPECTED,
        say(
            f"Ondol did not expect this: {type(exc).__name__}: {first}",
            f"온돌이 예상하지 못한 일입니다: {type(exc).__name__}: {first}",
        ),
        "",
        say(
            "Run again with --debug to see where.", "--debug를 붙여 다시 실행하면 자세히 보입니다."
        ),
    )


def show(exc: BaseException) -> None:
    """Print an error on stderr, its first line in red at a terminal."""
    from rich.text import Text

    seen = failure(exc)
    screen = console(sys.stderr)
    screen.print(Text(safe(seen.what), style="red"), soft_wrap=True)
    for line in (seen.why, seen.fix):
        if line:
            screen.print(Text(safe(line)), soft_wrap=True)


def finish(exc: BaseException, *, as_json: bool, debug: bool) -> int:
    """Say an error in every way that was asked for; the exit code it stands for."""
    if debug:
        traceback.print_exception(exc)
    show(exc)
    if as_json:
        show_json(Failed(failure(exc)))
    return exc.exit_code if isinstance(exc, OndolError) else 1


def usage_error(message: str, command: str) -> OptionError:
    """What typer says about arguments, as one of our errors."""
    return OptionError(
        say(message, "명령의 인수나 옵션이 올바르지 않습니다."),
        message if korean() else "",
        f"{command} --help",
    )
