"""A passage that was found: its words, where it stands, and why it was found."""

from dataclasses import dataclass

from ondol.language import say


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of a document.

    `document` is the path of its file and `title` the document's own; `start` and `end` count
    characters of the document's text, and `page` counts from 1, None where it has no pages.
    `score` ranks passages: the cosine and the fit of their words, weighed. `likeness` is that
    cosine, None without vectors; `shared` is how much of the question's words it holds, 0 to 1.
    """

    text: str
    document: str
    title: str
    page: int | None
    headings: tuple[str, ...]
    start: int
    end: int
    score: float
    likeness: float | None
    shared: float

    @property
    def source(self) -> str:
        """Document, page and headings in one line, as an answer cites them."""
        from pathlib import PurePath

        page = say(f"p. {self.page}", f"{self.page}쪽") if self.page else ""
        return " · ".join(
            each for each in (PurePath(self.document).name, page, " > ".join(self.headings)) if each
        )
