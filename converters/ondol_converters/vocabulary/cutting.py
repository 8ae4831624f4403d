"""Fewer tokens: what a `tokenizer.json` keeps for Korean and English, and which rows those are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ondol_converters.recipe import Options
from ondol_converters.vocabulary.alphabet import Alphabet
from ondol_converters.vocabulary.compact import chosen
from ondol_converters.vocabulary.pieces import Pieces, read_pieces
from ondol_converters.vocabulary.rewriting import rewritten


@dataclass(frozen=True, slots=True)
class Cut:
    """A smaller tokenizer.

    Attributes:
        json: its `tokenizer.json`.
        kept: int64 [tokens], rising: the old id of each new one, which is its place. These are
            the rows of the embedding and of the head that go with it.
    """

    json: str
    kept: NDArray[np.int64]

    def new(self, old: int) -> int | None:
        """The new id of an old one; None where the token was left out."""
        at = int(np.searchsorted(self.kept, old))
        return at if at < len(self.kept) and self.kept[at] == old else None


def cut_tokenizer(
    json_text: str, options: Options, texts: Sequence[str] = (), ends: Sequence[int] = ()
) -> Cut:
    """Cut a `tokenizer.json` (BPE, byte-level BPE, Unigram or WordPiece) as options say.

    Args:
        json_text: the tokenizer's text.
        options: `vocabulary`, `hanja` and `coverage` are read. "full" keeps every token.
        texts: what "ko-en-compact" learns from.
        ends: ids that begin and end a text, kept whatever they are.

    Raises:
        SourceError: if its model is of another kind.
        CorruptSource: if it contradicts itself.
    """
    pieces = read_pieces(json_text)
    kept = set(pieces.tokens)
    if options.vocabulary != "full":
        kept = by_script(pieces, Alphabet(options.hanja))
    if options.vocabulary == "ko-en-compact":
        kept = chosen(pieces, kept, texts, options.coverage)
    return cut_to(pieces, kept.union(ends))


def cut_to(pieces: Pieces, kept: set[int]) -> Cut:
    """Cut a tokenizer to tokens among which are all that they are merged from."""
    order = sorted(kept)
    new = {old: place for place, old in enumerate(order)}
    return Cut(rewritten(pieces, new), np.array(order, np.int64))


def by_script(pieces: Pieces, alphabet: Alphabet) -> set[int]:
    """Tokens of an alphabet, added ones, those needed to encode, and what all are merged from."""
    kept = set(pieces.needed | pieces.added)
    kept |= {number for number in pieces.tokens if alphabet.spells_bytes(pieces.spelt(number))}
    waiting = list(kept)
    while waiting:
        for parent in pieces.parents(waiting.pop()):
            if parent not in kept:
                kept.add(parent)
                waiting.append(parent)
    return kept
