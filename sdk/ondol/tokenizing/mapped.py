"""A BPE tokenizer out of a table: no library, and of the file only the pages it touches."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from ondol.errors import MissingExtra
from ondol.framed import Framed
from ondol.language import say
from ondol.tokenizing.backend import Backend, Spelling
from ondol.tokenizing.bpe import merged
from ondol.tokenizing.letters import LETTERS
from ondol.tokenizing.steps import SPACE, Cutter, normalised
from ondol.tokenizing.table import Table, sizes_of

_MOST_WORDS = 8192
_LONGEST_KEPT = 48

Found = Callable[[str], int | None]


class MappedBackend(Backend):
    """A tokenizer whose vocabulary and merges stay where a table lies.

    Every method may raise CorruptBundle: a table is checked as it is used.
    """

    name = "mapped"

    def __init__(self, table: Table) -> None:
        self.table = table
        told = table.settings
        self.spelling = Spelling(told.byte_level, told.byte_fallback, None, told.strips_space)
        self._told = told
        self._words: dict[str, tuple[int, ...]] = {}
        self._characters: dict[str, int | None] = {}

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return self._told.size

    def encode(self, text: str) -> list[int]:
        """The ids of a text; special tokens written in it are text."""
        ids: list[int] = []
        first = True
        for piece, token in self._raw.cut(text):
            if token is not None:
                ids.append(token)
            else:
                self._encode(self._normal(piece), first, ids)
            first = False
        return ids

    def _normal(self, text: str) -> str:
        try:
            return normalised(text, self._told.normal)
        except ValueError as exc:
            raise self.table.corrupt(str(exc)) from exc

    def _encode(self, text: str, first: bool, ids: list[int]) -> None:
        for piece, token in self._normalised.cut(text):
            if token is not None:
                ids.append(token)
            else:
                for word in self._cutter.words(piece, first=first):
                    for part in self._edge.split(word) if self._edge else (word,):
                        ids.extend(self._word(part))
            first = False

    def _word(self, word: str) -> tuple[int, ...]:
        known = self._words.get(word)
        if known is not None:
            return known
        found = tuple(map(self.table.checked, self._merged(word)))
        if len(word) <= _LONGEST_KEPT:
            if len(self._words) >= _MOST_WORDS:
                self._words.clear()
            self._words[word] = found
        return found

    def _merged(self, word: str) -> list[int]:
        told = self._told
        if told.letters:
            word = word.encode("utf-8").decode("latin-1").translate(LETTERS)
        if told.whole_words:
            whole = self.table.find(word)
            if whole is not None:
                return [whole]
        return merged(self._spelt(word), self.table.merge)

    def _spelt(self, word: str) -> list[int]:
        """The ids of a word's characters, or of their bytes, or of the unknown token."""
        ids: list[int] = []
        told, unknown = self._told, False
        for char in word:
            number = self._character(char)
            if number is not None:
                if unknown and told.unknown is not None:
                    ids.append(told.unknown)
                unknown = False
                ids.append(number)
                continue
            spelt = [self.table.byte(b) for b in char.encode("utf-8")] if told.fallback else [None]
            known = [each for each in spelt if each is not None]
            if len(known) == len(spelt):
                ids += known
                continue
            if unknown and not told.fuse_unknown and told.unknown is not None:
                ids.append(told.unknown)
            unknown = True
        if unknown and told.unknown is not None:
            ids.append(told.unknown)
        return ids

    def _character(self, char: str) -> int | None:
        try:
            return self._characters[char]
        except KeyError:
            if len(self._characters) >= _MOST_WORDS:
                self._characters.clear()
            found = self._characters[char] = self.table.find(char)
            return found

    def frame(self, text: str) -> Framed:
        """Not here: what stands around a text is of encoders, which have no table.

        Raises:
            MissingExtra: always.
        """
        raise MissingExtra(
            say(
                "A text cannot be framed without the `tokenizers` library.",
                "`tokenizers` 라이브러리가 없어 글 앞뒤에 특수 토큰을 붙일 수 없습니다.",
            ),
            say(
                "Tables hold no such frame: text encoders use the library.",
                "토크나이저 테이블에는 그 정보가 없습니다. 인코더는 라이브러리를 씁니다.",
            ),
            "pip install tokenizers",
        )

    def text_of(self, token: int) -> str | None:
        """A token as the vocabulary writes it."""
        return self.table.text(token)

    def specials(self) -> Mapping[str, int]:
        """Special tokens by their text."""
        table = self.table
        found = ((table.text(t), t) for t in table.added() if table.is_special(t))
        return {text: token for text, token in found if text is not None}

    def is_special(self, token: int) -> bool:
        """Whether an id is that of a special token."""
        return token < len(self.table) and self.table.is_special(token)

    def added(self) -> frozenset[int]:
        """Ids of added tokens."""
        return frozenset(self.table.added())

    def vocabulary(self) -> Mapping[str, int]:
        """Every token's id by its text."""
        found = ((self.table.text(token), token) for token in range(len(self.table)))
        return {text: token for text, token in found if text is not None}

    @cached_property
    def _edge(self) -> re.Pattern[str] | None:
        """Edges that no merge goes over."""
        bridges = self._told.bridges
        if bridges is None:
            return None
        return re.compile(f"(?<=[^{SPACE}{re.escape(bridges)}])(?={SPACE})")

    @cached_property
    def _cutter(self) -> Cutter:
        return Cutter(self._told.cuts, self.table.categories)

    @cached_property
    def _raw(self) -> "_Added":
        sizes = {each.first: each.sizes for each in self._told.added}
        return _Added(sizes, self.table.find_raw, self.table.is_special)

    @cached_property
    def _normalised(self) -> "_Added":
        ids = {each.text: each.id for each in self._told.normalised}
        return _Added(sizes_of(ids), ids.get, self.table.is_special)


class _Added:
    """Cuts added tokens out of a text: leftmost first, longest of equals, special ones never.

    Args:
        sizes: by the first two characters, how long such tokens are; longest first.
        find: an added token's id by its text.
        special: whether an id is that of a special token; its text is passed over whole.
    """

    def __init__(
        self, sizes: Mapping[str, tuple[int, ...]], find: Found, special: Callable[[int], bool]
    ) -> None:
        self._sizes, self._find, self._special = sizes, find, special
        firsts = sorted(sizes, key=len, reverse=True)
        self._firsts = re.compile("|".join(map(re.escape, firsts))) if sizes else None

    def cut(self, text: str) -> Iterator[tuple[str, int | None]]:
        """The pieces of a text in order, none empty, and the ids of those that are tokens."""
        start = at = 0
        while self._firsts is not None and (hit := self._firsts.search(text, at)):
            at = hit.start()
            token, size = self._longest(text, at)
            if token is not None and not self._special(token):
                if start < at:
                    yield text[start:at], None
                yield text[at : at + size], token
                start = at + size
            at += size
        if start < len(text):
            yield text[start:], None

    def _longest(self, text: str, at: int) -> tuple[int | None, int]:
        for first in (text[at : at + 2], text[at]):
            for size in self._sizes.get(first, ()):
                if at + size <= len(text):
                    token = self._find(text[at : at + size])
                    if token is not None:
                        return token, size
        return None, 1
