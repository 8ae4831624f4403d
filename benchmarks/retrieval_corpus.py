"""LibreOffice's help as a test: pages, questions from their headings, pairs of languages.

apt-get install libreoffice-help-ko libreoffice-help-en-us    (mainly MPL-2.0)
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ondol.retrieval.chunking import chunks
from ondol.retrieval.document import Document
from ondol.retrieval.errors import DocumentError
from ondol.retrieval.readers.formats import read
from ondol.retrieval.sentences import by_rule

HELP = Path("/usr/share/libreoffice/help")
KOREAN = 0.6
"""Share of Hangul among the letters of a page that counts as translated."""
SHORT_HEADING, SHORT_SECTION = 6, 60
FORMS = (
    "{} 방법을 알려 줘",
    "{}에 대해 설명해 주세요.",
    "{}, 이게 무엇인가요?",
    "{} 어떻게 하나요?",
    "{}",
)
"""How a heading is asked for, one form to each by its hash."""

_LETTERS = re.compile(r"[^\W\d_]")
_HANGUL = re.compile(r"[가-힣]")


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its path below the language's folder, and what it says."""

    name: str
    path: Path
    document: Document


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the page and the headings below which its answer stands."""

    text: str
    page: str
    headings: tuple[str, ...]


def pages(root: Path, language: str) -> list[Page]:
    """All pages of a language that have text."""
    found = []
    for path in sorted((root / language / "text").rglob("*.html")):
        try:
            with path.open("rb") as file:
                document = read(file, path.name)
        except DocumentError:
            continue
        found.append(Page(path.relative_to(root / language).as_posix(), path, document))
    return found


def translated(given: Iterable[Page]) -> list[Page]:
    """Pages that are in Korean, but for names and code."""
    return [page for page in given if _share(page.document.text) >= KOREAN]


def _share(text: str) -> float:
    return len(_HANGUL.findall(text)) / max(1, len(_LETTERS.findall(text)))


def number(text: str) -> int:
    """A number that only the text decides: which form, which half."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def questions(given: Sequence[Page], language: str = "ko") -> list[Question]:
    """Of every heading of several words that one section alone has, with enough text."""
    sections: dict[tuple[str, tuple[str, ...]], int] = defaultdict(int)
    for page in given:
        for chunk in chunks(page.document, overlap=0, split=by_rule):
            sections[page.name, chunk.headings] += len(chunk.text)
    owners: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
    for name, headings in sections:
        if headings:
            owners[headings[-1]].append((name, headings))
    made = []
    for heading, where in sorted(owners.items()):
        name, headings = where[0]
        known = len(_HANGUL.findall(heading)) >= len(heading) / 2 or language != "ko"
        long = len(heading) >= SHORT_HEADING and len(heading.split()) >= 2
        if len(where) == 1 and known and long and sections[name, headings] >= SHORT_SECTION:
            form = FORMS[number(heading) % len(FORMS)] if language == "ko" else "{}"
            made.append(Question(form.format(heading), name, headings))
    return made
