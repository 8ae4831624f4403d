"""A command line before typer sees it: options that may stand anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A command line: what holds for every command, and the rest."""

    arguments: tuple[str, ...]
    debug: bool
    json: bool

    @classmethod
    def read(cls, arguments: Sequence[str]) -> "Line":
        """Take --debug and --lang from wherever they stand before a `--`."""
        rest: list[str] = []
        debug = json = False
        words = iter(arguments)
        for word in words:
            if word == "--":
                rest += [word, *words]
            elif word == "--debug":
                debug = True
            elif word == "--lang":
                rest[:0] = [f"--lang={next(words, '')}"]
            elif word.startswith("--lang="):
                rest[:0] = [word]
            else:
                json = json or word == "--json"
                rest.append(word)
        return cls(tuple(rest), debug, json)
