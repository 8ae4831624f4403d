"""Many texts through an encoder's graph: in batches of like length, so that little is padding."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ondol.framed import Framed
from ondol.stateless import Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_TEXTS = 32
MOST_TOKENS = 1024  # of a batch, padding included: more no longer fits the caches

INPUTS = ("input_ids", "attention_mask", "token_type_ids")
"""What an encoder's graph may ask for; the last is 0, for one text alone is the first."""


def outputs(
    session: Session, parts: Sequence[Framed], pad: int
) -> "Iterator[tuple[int, NDArray[np.float32]]]":
    """What a graph's first output says of each part, with the part's place; in any order.

    Args:
        session: takes some of `INPUTS`, int64 [batch, tokens].
        parts: texts as ids.
        pad: the id that fills up shorter parts.
    """
    import numpy as np

    names = [port.name for port in session.inputs]
    for batch in batches([len(part.ids) for part in parts]):
        longest = max(len(parts[at].ids) for at in batch)
        ids = np.full((len(batch), longest), pad, np.int64)
        mask = np.zeros_like(ids)
        for row, at in enumerate(batch):
            size = len(parts[at].ids)
            ids[row, :size], mask[row, :size] = parts[at].ids, 1
        given: dict[str, NDArray[Any]] = dict(
            zip(INPUTS, (ids, mask, np.zeros_like(ids)), strict=True)
        )
        made = session.run({name: given[name] for name in names})
        yield from zip(batch, made[session.outputs[0].name], strict=True)


def batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of parts of like length, so many that a batch is not too large."""
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) == MOST_TEXTS or (len(batch) + 1) * lengths[at] > MOST_TOKENS):
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch
