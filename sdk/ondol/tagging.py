"""Labels of tokens joined to spans of text: the BIO scheme of CoNLL-2003 and KLUE-NER."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ondol.framed import Framed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OUTSIDE = ("O", "LABEL_0")


@dataclass(frozen=True, slots=True)
class Tag:
    """A span of a text: characters [start, end) of it in NFC, and the mean probability."""

    label: str
    start: int
    end: int
    text: str
    score: float


def joined(
    text: str, framed: Framed, scores: "NDArray[np.float32]", labels: Sequence[str]
) -> tuple[Tag, ...]:
    """Spans of neighbouring tokens whose likeliest label is of one kind.

    Args:
        text: what was encoded.
        framed: its tokens.
        scores: float32 [tokens, labels], probabilities.
        labels: "B-X" begins a span of X, "I-X" goes on with it, "O" is outside; any other label
            goes on with itself.
    """
    found: list[Tag] = []
    kept: list[float] = []
    best: list[int] = scores.argmax(axis=-1).tolist()
    for at, (start, end) in framed.inner():
        mark, _, kind = labels[best[at]].rpartition("-")
        score = float(scores[at, best[at]])
        while start < end and text[start].isspace():
            start += 1
        if start == end:
            continue
        if kind in OUTSIDE and not mark:
            kept.clear()
            continue
        last = found[-1] if kept else None
        if last is not None and last.label == kind and mark != "B" and _near(text, last, start):
            kept.append(score)
            found[-1] = Tag(kind, last.start, end, text[last.start : end], sum(kept) / len(kept))
        else:
            kept[:] = [score]
            found.append(Tag(kind, start, end, text[start:end], score))
    return tuple(found)


def _near(text: str, last: Tag, start: int) -> bool:
    return not text[last.end : start].strip()
