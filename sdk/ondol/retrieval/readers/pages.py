"""Pages of Hangul's documents, which hold no page numbers but where each line was last laid out."""

from collections.abc import Sequence


class Pages:
    """Counts pages from where lines stand: a line above the one before begins another page.

    In a section of several columns each column counts as one, so there are no pages in it:
    `columns` says so before its first paragraph.
    """

    def __init__(self) -> None:
        self._page = 0
        self._last: int | None = None
        self._known = True

    def section(self) -> None:
        """Begin a section; it starts a page."""
        self._page += 1
        self._last = None

    def at(self, lines: Sequence[int], *, breaks: bool = False) -> int | None:
        """The page on which a paragraph begins; None once lines are missing.

        Args:
            lines: the places of its lines below the top of the page, in order.
            breaks: whether the writer put a page break before it.
        """
        if not lines:
            self._known = False  # never laid out: made by a program, not by Hangul
        if not self._known:
            return None
        first: int | None = None
        for place in lines:
            if self._last is not None and (place < self._last or (breaks and first is None)):
                self._page += 1
            self._last = place
            first = first or self._page
        return first

    def columns(self) -> None:
        """Lines stand in columns from here on: pages are no longer known."""
        self._known = False
