"""What `ondol convert --target one` tells of the circle file."""

from dataclasses import dataclass
from typing import Any

from ondol.cli.facts import megabytes
from ondol.language import say


@dataclass(frozen=True, slots=True)
class OneFacts:
    """The circle file: see ondol.target_reports.OneReport. It was not run on silicon."""

    circle_bytes: int
    kinds: tuple[str, ...]
    inexact: tuple[str, ...]


def one_facts(report: Any) -> OneFacts | None:
    """The converters' report, as commands print it."""
    if report is None:
        return None
    return OneFacts(report.circle_bytes, report.kinds, report.inexact)


def one_pairs(one: OneFacts | None) -> tuple[tuple[str, str], ...]:
    """Rows for people; none where Samsung ONE was not meant."""
    if one is None:
        return ()
    size, kinds = megabytes(one.circle_bytes), ", ".join(one.kinds)
    changed = ", ".join(one.inexact) or say("none", "없음")
    return (
        (
            "one",
            say(f"{size}: {kinds}; not run on silicon", f"{size}: {kinds}. 실제 칩에서는 미실행"),
        ),
        (say("one rounded again", "one에서 다시 반올림"), changed),
    )
