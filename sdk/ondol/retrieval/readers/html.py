"""HTML, through lxml's parser: what a reader sees, without menus, scripts and side bars."""

from typing import BinaryIO

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from ondol.retrieval.document import Builder, Document
from ondol.retrieval.limits import ReadLimits
from ondol.retrieval.readers.decoding import decode

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_HIDDEN = frozenset(
    ("script", "style", "noscript", "template", "svg", "nav", "aside", "footer", "button")
    + ("select", "textarea", "iframe")
)
_BLOCKS = frozenset(
    ("address", "article", "blockquote", "body", "caption", "dd", "details", "div", "dl", "dt")
    + ("fieldset", "figcaption", "figure", "form", "header", "hr", "html", "legend", "li", "main")
    + ("ol", "option", "p", "pre", "section", "summary", "table", "tbody", "tfoot", "thead", "ul")
)
_PIECE = 1 << 16


def read(file: BinaryIO, limits: ReadLimits) -> Document:
    """Read a page; of a page's `header`, the headings only."""
    text = decode(file.read(), declared=True)
    target = _Reader()
    parser = etree.HTMLParser(target=target, encoding="utf-8", no_network=True)
    data = text.encode("utf-8", "replace")
    for at in range(0, len(data), _PIECE):
        parser.feed(data[at : at + _PIECE])
    if data:
        parser.close()
    return target.finish()


class _Reader:
    """Takes lxml's events."""

    def __init__(self) -> None:
        self._built = Builder()
        self._text: list[str] = []
        self._row: list[str] | None = None
        self._title = ""
        self._hidden = 0
        self._banner = 0
        self._level = 0

    def start(self, tag: str, attributes: object) -> None:
        if tag in _HIDDEN:
            self._hidden += 1
        elif tag in _HEADINGS:
            self._end_block()
            self._level = _HEADINGS[tag]
        elif tag == "tr":
            self._end_block()
            self._row = []
        elif tag in ("td", "th"):
            self._text = [] if self._row is not None else self._text
        elif tag == "br":
            self._text.append("\n")
        elif tag in _BLOCKS and self._row is None:
            self._end_block()
        self._banner += tag == "header"
        if tag == "title":
            self._text = []

    def end(self, tag: str) -> None:
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
        elif tag == "title":
            self._title, self._text = "".join(self._text), []
        elif tag in _HEADINGS:
            if not self._row:
                self._built.heading(_HEADINGS[tag], "".join(self._text))
                self._text = []
            self._level = 0
        elif tag in ("td", "th") and self._row is not None:
            self._row.append("".join(self._text))
            self._text = []
        elif tag == "tr" and self._row is not None:
            self._built.row([*self._row, "".join(self._text)])
            self._row, self._text = None, []
        elif tag in _BLOCKS:
            if self._row is None:
                self._end_block()
            else:
                self._text.append(" ")
        self._banner -= tag == "header"

    def data(self, text: str) -> None:
        if not self._hidden:
            self._text.append(text if self._level or "\n" not in text else text.replace("\n", " "))

    def comment(self, text: str) -> None:
        """Comments are not read."""

    def close(self) -> None:
        self._end_block()

    def finish(self) -> Document:
        self._end_block()
        self._built.title = " ".join(self._title.split()) or self._built.title
        return self._built.done()

    def _end_block(self) -> None:
        if self._banner <= 0:
            self._built.add("".join(self._text))
        self._text = []
