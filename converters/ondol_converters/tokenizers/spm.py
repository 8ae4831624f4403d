"""SentencePiece-BPE vocabularies: merges out of scores, and the `tokenizer.json` they make.

A SentencePiece-BPE file holds pieces with scores and no merges. Merging is greedy: of all
neighbours whose text is a piece, the best score goes first, the leftmost of equals. What happens
inside a piece does not depend on the text around it, so every piece is made from one pair only,
and that pair is found by running the greedy merge on the piece alone. One merge per piece
instead of one per way to cut it halves the file and the time to load it.
"""

from collections.abc import Mapping, Sequence

from ondol_converters.sources import Json
from ondol_converters.tokenizers.jsonfile import AddedToken, Merges, tokenizer_json

SPACE = "\u2581"
_NONE = float("-inf")


def merges_of(scores: Mapping[str, float]) -> Merges:
    """Merges in the order they apply, one for each piece that merging can reach.

    Args:
        scores: every piece that merging may make or use, with its score.
    """
    found: list[tuple[float, int, str, str]] = []
    for piece, score in scores.items():
        size = len(piece)
        if size < 2:
            continue
        pair = list(piece) if size == 2 else _last_pair(piece, scores)
        if pair and pair[0] in scores and pair[1] in scores:
            # Of equal scores the longer goes first: it grows from the left, as SentencePiece does.
            found.append((-score, -size, pair[0], pair[1]))
    found.sort(key=lambda merge: merge[:2])
    return [(left, right) for _, _, left, right in found]


def _last_pair(piece: str, scores: Mapping[str, float]) -> list[str] | None:
    """The two parts that greedy merging joins last, or None where it never joins them all."""
    get = scores.get
    parts = list(piece)
    pairs = [get(left + right, _NONE) for left, right in zip(parts, parts[1:], strict=False)]
    live = len(pairs)
    while live > 1:
        best = max(pairs)
        if best == _NONE:
            return None
        at = pairs.index(best)
        parts[at] += parts.pop(at + 1)
        del pairs[at]
        live -= 1
        if at:
            pairs[at - 1] = get(parts[at - 1] + parts[at], _NONE)
        if at < live:
            pairs[at] = get(parts[at] + parts[at + 1], _NONE)
    return parts


def spm_json(
    vocabulary: Mapping[str, int],
    scores: Mapping[str, float],
    added: Sequence[AddedToken],
    *,
    unknown: str | None,
    byte_fallback: bool,
    space_prefix: bool,
    before: Sequence[Mapping[str, Json]] = (),
) -> str:
    """The `tokenizer.json` of a SentencePiece-BPE vocabulary.

    Args:
        vocabulary: every piece with its id.
        scores: the pieces that merging may make or use.
        added: pieces found in the text before anything else.
        unknown: the piece for what the vocabulary cannot spell.
        byte_fallback: whether unknown characters are spelt in `<0x..>` pieces.
        space_prefix: whether a space is put before each run of text.
        before: normalizers that run before spaces are escaped.
    """
    normalizers: list[Json] = [dict(one) for one in before]
    decoders: list[Json] = [{"type": "Replace", "pattern": {"String": SPACE}, "content": " "}]
    if space_prefix:
        normalizers.append({"type": "Prepend", "prepend": SPACE})
    normalizers.append({"type": "Replace", "pattern": {"String": " "}, "content": SPACE})
    if byte_fallback:
        decoders.append({"type": "ByteFallback"})
    decoders.append({"type": "Fuse"})
    if space_prefix:
        decoders.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return tokenizer_json(
        vocabulary,
        merges_of(scores),
        added,
        normalizer={"type": "Sequence", "normalizers": normalizers},
        pre_tokenizer=None,
        decoder={"type": "Sequence", "decoders": decoders},
        unknown=unknown,
        byte_fallback=byte_fallback,
        whole_words=False,
    )
