"""Names by a model that tags them, beside the rules: what `find` and `mask` take as `also`."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ondol.privacy.folding import fold
from ondol.privacy.found import Found, Kind

if TYPE_CHECKING:
    from ondol.encoder import Encoder
    from ondol.privacy.finding import Finder

LABELS: Mapping[str, Kind] = {"PER": "name", "PS": "name"}
"""Persons, as KLUE-NER and NAVER's NER corpus call them."""


def tagged(
    encoder: "Encoder", labels: Mapping[str, Kind] = LABELS, characters: int = 200
) -> "Finder":
    """A finder that asks an encoder with a tagging head; its probability is the confidence.

    Args:
        encoder: an open one that tags; it has to stay open.
        labels: which of its labels are which kind; others count for nothing.
        characters: 2 or more; of a line that is longer, how many are read at once, up to a space.

    Returns:
        What `find(text, also=[...])` takes. It raises what `Encoder.tag` does.
    """

    piece_of = re.compile(rf"\S[^\n]{{0,{characters - 2}}}\S(?=\s|$)|\S{{1,{characters}}}")

    def find(text: str) -> Iterator[Found]:
        folded = fold(text)
        pieces = list(piece_of.finditer(folded.text))
        tags = encoder.tag([piece[0] for piece in pieces]) if pieces else []
        for piece, found in zip(pieces, tags, strict=True):
            for tag in found:
                if tag.label in labels:
                    start, end = (piece.start() + at for at in (tag.start, tag.end))
                    yield Found(labels[tag.label], *folded.span(start, end), round(tag.score, 2))

    return find
