"""The `ondol` command. Without typer and rich it says how to get them.

Exit codes, the same for every command:

    0    done
    1    something that was not expected
    2    an option or argument that cannot be meant
    3    a model to convert is not one, or is broken
    4    a bundle is missing, broken, or may not be used
    5    a device cannot be used
    6    a prompt or a reply that cannot go on
    7    the disk refused; nothing that was there is harmed
    8    an optional part is not installed
    9    a model could not be fetched from a hub
    10   a sweep of conversions did not do everything
    11   the two bundles that were compared differ
    12   a document could not be read
    13   a library of documents cannot be used
    14   an assistant's answer to a sample question is not as it has to be
    130  interrupted with Ctrl-C
    141  whoever read the output stopped reading
"""

import os
import sys
from importlib.util import find_spec
from io import TextIOWrapper

from ondol.errors import MissingExtra
from ondol.language import LANGUAGE_VARIABLES, say

NEEDED = ("typer", "rich")


def main() -> None:
    """Run the command line of this process and exit with its code."""
    _accept_any_text()
    arguments = sys.argv[1:]
    choose_language(arguments)
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        names = ", ".join(missing)
        print(
            say(
                f'The command line needs {names}: pip install "ondol[cli]"',
                f'명령줄에는 {names}이(가) 필요합니다: pip install "ondol[cli]"',
            ),
            file=sys.stderr,
        )
        sys.exit(MissingExtra.exit_code)
    from ondol.cli.app import run

    sys.exit(run(arguments))


def choose_language(arguments: list[str]) -> None:
    """Follow `--lang` before anything is said: help texts are made when modules are imported."""
    for at, argument in enumerate(arguments):
        if argument == "--":
            return
        value = argument.removeprefix("--lang=")
        if argument == "--lang" and at + 1 < len(arguments):
            value = arguments[at + 1]
        if value != argument and value in ("ko", "en"):
            os.environ[LANGUAGE_VARIABLES[0]] = value


def _accept_any_text() -> None:
    """Let bytes that are no text come in and go out without an exception of their own."""
    for stream, errors in (
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors=errors)
