"""A table that is open: tokens by id and by text, and what two tokens become."""

import json
import mmap
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from ondol import strict
from ondol.archive import Place
from ondol.errors import CorruptBundle
from ondol.tokenizing import layout
from ondol.tokenizing.backend import corrupt
from ondol.tokenizing.characters import CATEGORIES, Categories
from ondol.tokenizing.layout import ADDED, MOST_IN_BUCKET, NONE, NORMALISED, PRESENT, SPECIAL
from ondol.tokenizing.steps import Cut, Normal, fault

MOST_BRIDGES, MOST_BEGINNINGS, MOST_SIZES = 256, 4096, 128
MOST_CHARACTERS = 512
"""Of an added token."""
NO_MERGE = 1 << 64
"""What a pair that is not merged becomes; more than any rank."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many characters the added tokens have that begin so; longest first.

    Such a beginning is of two characters, or one where that is the whole token.
    """

    first: str
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """An added token as normalising leaves it, and its id."""

    text: str
    id: int


@dataclass(frozen=True, slots=True)
class Settings:
    """How a table's tokens are used.

    `byte_level`, `byte_fallback` and `strips_space` are of decoding. Of encoding: `letters` is
    whether words become byte-level letters, `fallback` whether unknown characters become bytes,
    `unknown` the id of what nothing can spell, `fuse_unknown` whether neighbours of it become
    one, `whole_words` whether a word that is a token is not merged, `bridges` the characters behind
    which merges go on over a U+2581: behind all others a word ends. None: it ends nowhere.
    """

    size: int
    byte_level: bool
    byte_fallback: bool
    strips_space: bool
    letters: bool
    fallback: bool
    unknown: int | None
    fuse_unknown: bool
    whole_words: bool
    bridges: str | None
    normal: tuple[Normal, ...]
    cuts: tuple[Cut, ...]
    added: tuple[Sizes, ...]
    normalised: tuple[Named, ...]

    def to_json(self) -> bytes:
        """As a table holds them."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode()


def sizes_of(texts: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """How long texts are by their first two characters, longest first."""
    found: dict[str, set[int]] = {}
    for text in texts:
        found.setdefault(text[:2], set()).add(len(text))
    return {first: tuple(sorted(sizes, reverse=True)) for first, sizes in found.items()}


def _sound(sizes: tuple[int, ...]) -> bool:
    return len(sizes) <= MOST_SIZES and all(0 < size <= MOST_CHARACTERS for size in sizes)


class Table:
    """A table's columns, checked as they are used: what does not hold is CorruptBundle.

    Args:
        data: all its bytes; see `ondol.tokenizing.layout`.
        name: what the file is called, for messages.
    """

    def __init__(self, data: memoryview, name: str = layout.TABLE) -> None:
        self.name = name
        sections = layout.read(data, name)
        self.source_sha256 = sections.source_sha256
        c = sections.columns
        try:
            told = strict.load(bytes(c["settings"]), layout.MOST_SETTINGS)
            self.settings = strict.build(Settings, told, "settings")
        except ValueError as exc:
            raise self.corrupt(str(exc)) from exc
        self._texts, self._starts, self._flags = c["texts"], c["text_starts"], c["flags"]
        self._added, self.byte_ids = c["added"], c["bytes"]
        self._find_starts, self._find_ids = c["find_starts"], c["find_ids"]
        self._merge_starts = c["merge_starts"]
        self._pairs, self._results = c["merge_pairs"], c["merge_results"]
        self.categories = Categories(c["category_starts"], c["categories"])
        self._check(c["category_starts"], c["categories"])

    @classmethod
    def mapped(cls, place: Place) -> "Table":
        """A table in a file, or in a part of one, which stays on the disk.

        Raises:
            CorruptBundle: if it cannot be read, or does not hold.
        """
        skipped = place.offset % mmap.ALLOCATIONGRANULARITY
        try:
            with place.path.open("rb") as file:
                whole = mmap.mmap(
                    file.fileno(),
                    place.size + skipped,
                    access=mmap.ACCESS_READ,
                    offset=place.offset - skipped,
                )
        except (OSError, ValueError) as exc:  # ValueError: the file ends before the part does
            raise corrupt(place.path.name, str(exc)) from exc
        return cls(memoryview(whole)[skipped:], place.path.name)

    def _check(self, firsts: memoryview, numbers: memoryview) -> None:
        tokens, told = len(self._flags), self.settings
        wrong = fault(told.normal, told.cuts)
        sound = {
            "tokens": 0 < tokens <= layout.MOST_TOKENS and told.size <= tokens,
            "text_starts": len(self._starts) == tokens + 1,
            "bytes": len(self.byte_ids) == 256,
            "find_starts": len(self._find_starts) > 1,
            "merge_starts": len(self._merge_starts) > 1,
            "merges": len(self._pairs) == len(self._results),
            "categories": len(firsts) == len(numbers) > 0 and firsts[0] == 0,
            "category": max(numbers, default=0) < len(CATEGORIES),
            "unknown": told.unknown is None or told.unknown < tokens,
            "added": len(told.added) <= MOST_BEGINNINGS
            and all(0 < len(each.first) < 3 and _sound(each.sizes) for each in told.added),
            "normalised": len(told.normalised) <= MOST_BEGINNINGS
            and all(
                0 < len(each.text) <= MOST_CHARACTERS and each.id < tokens
                for each in told.normalised
            ),
            "spelling": not (told.letters and told.fallback),
            "bridges": len(told.bridges or "") <= MOST_BRIDGES,
        }
        wrong = wrong or ", ".join(name for name, holds in sound.items() if not holds)
        if wrong:
            raise self.corrupt(wrong)

    def corrupt(self, why: str) -> CorruptBundle:
        """The error for something that does not hold."""
        return corrupt(self.name, why)

    def checked(self, token: int) -> int:
        """An id, if the vocabulary has one such.

        Raises:
            CorruptBundle: if it has none.
        """
        if token >= len(self._flags):
            raise self.corrupt(f"a token {token} of {len(self._flags)}")
        return token

    def text(self, token: int) -> str | None:
        """A token as the vocabulary writes it; None for an id without one."""
        if not 0 <= token < len(self._flags) or not self._flags[token] & PRESENT:
            return None
        try:
            return str(self._raw(token), "utf-8")
        except UnicodeDecodeError as exc:
            raise self.corrupt(f"token {token}: {exc}") from exc

    def _raw(self, token: int) -> memoryview:
        start, end = self._starts[token], self._starts[token + 1]
        if not start <= end <= len(self._texts):
            raise self.corrupt(f"token {token}: bytes {start} to {end} of {len(self._texts)}")
        return self._texts[start:end]

    def find(self, text: str) -> int | None:
        """The id of a character, an added token or, where words may be whole, any token."""
        raw = text.encode("utf-8")
        at = layout.text_bucket(raw, len(self._find_starts) - 1)
        for row in self._rows(self._find_starts, at, len(self._find_ids)):
            token = self.checked(self._find_ids[row])
            if self._raw(token) == raw:
                return token
        return None

    def merge(self, left: int, right: int) -> int:
        """What two tokens become, as rank << 32 | id; `NO_MERGE` where they stay apart."""
        starts = self._merge_starts
        at = layout.pair_bucket(left, right, len(starts) - 1)
        pair = left << 32 | right
        for row in self._rows(starts, at, len(self._pairs)):
            if self._pairs[row] == pair:
                return int(self._results[row])
        return NO_MERGE

    def _rows(self, starts: memoryview, bucket: int, rows: int) -> range:
        start, end = starts[bucket], starts[bucket + 1]
        if not start <= end <= rows or end - start > MOST_IN_BUCKET:
            raise self.corrupt(f"bucket {bucket}: rows {start} to {end} of {rows}")
        return range(start, end)

    def byte(self, value: int) -> int | None:
        """The id of the token that stands for a byte."""
        found = self.byte_ids[value]
        return None if found == NONE else self.checked(found)

    def is_special(self, token: int) -> bool:
        """Whether a token is special."""
        return bool(self._flags[token] & SPECIAL)

    def find_raw(self, text: str) -> int | None:
        """The id of an added token that is cut out of a text before that is normalised."""
        token = self.find(text)
        raw = token is not None and self._flags[token] & (ADDED | NORMALISED) == ADDED
        return token if raw else None

    def added(self) -> Iterator[int]:
        """Ids of added tokens."""
        return map(self.checked, self._added)

    def __len__(self) -> int:
        """Ids in all, those without a token too."""
        return len(self._flags)
