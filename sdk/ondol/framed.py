"""A text between what an encoder wants around it."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framed:
    """A text as an encoder reads it: ids, of which the first and last few stand around it.

    `spans` are each id's characters [start, end) of the text; `before` and `after` count the
    ids that are none of the text.
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int], ...]
    before: int
    after: int

    def inner(self) -> Iterator[tuple[int, tuple[int, int]]]:
        """Places and spans of the ids that are of the text."""
        for at in range(self.before, len(self.ids) - self.after):
            yield at, self.spans[at]
