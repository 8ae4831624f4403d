"""A budget's search as it goes: a row for each bundle that was made and scored."""

from collections.abc import Callable, Sequence
from typing import Protocol

from ondol.cli.facts import megabytes
from ondol.language import say


class Scored(Protocol):
    """See ondol_converters.budget.search.Scored."""

    @property
    def bytes(self) -> int:
        """Of the whole bundle."""
        ...

    @property
    def bits_per_character(self) -> float:
        """On the tuning text."""
        ...

    @property
    def decode_rate(self) -> float:
        """Tokens a second."""
        ...


class Trial(Protocol):
    """See ondol_converters.budget.search.Trial."""

    @property
    def scored(self) -> Scored:
        """What making it gave."""
        ...

    @property
    def loss(self) -> float:
        """Relative to the source."""
        ...


def trials_shown(row: Callable[[Sequence[str], Sequence[str]], None]) -> Callable[[Trial], None]:
    """Show trials as they are made, through a function that shows a table's row."""
    titles = (
        say("trial", "시도"),
        say("size", "크기"),
        say("bits/char", "글자당 비트"),
        say("loss", "손실"),
        say("tokens/s", "초당 토큰"),
    )
    shown = 0

    def show(trial: Trial) -> None:
        nonlocal shown
        shown += 1
        cells = (
            str(shown),
            megabytes(trial.scored.bytes),
            f"{trial.scored.bits_per_character:.4f}",
            f"{trial.loss:+.2%}",
            f"{trial.scored.decode_rate:.0f}",
        )
        row(titles, cells)

    return show
