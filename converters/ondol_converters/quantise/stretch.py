"""Where column scales go: stretched columns are shrunk again in what feeds them.

A norm's weights, or rows of the matrix before, are divided by what the columns were multiplied by,
so that in exact arithmetic nothing changes (Lin et al. 2023, arXiv 2306.00978, section 3.2).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ondol_converters.families.decoder import Decoder

Floats = NDArray[np.float32]
Shared = tuple[int, int, int]
Scales = Callable[[Sequence[Floats], str, Shared], Floats]
"""Finds column scales, float32 [columns] above 0: of matrices [rows, columns] that read one input,
the first one's name, and columns seen as [runs, copies, run] whose copies must be scaled alike."""

EMBEDDING, HEAD = "embedding", "head"


@dataclass(frozen=True, slots=True)
class Feed:
    """Matrices that read one input, and what that input comes from, by our names.

    It comes from the norm `norm`, or from the rows of `matrix` from `start` on. A row may feed
    several columns: columns are [runs, copies, run], and the copies of a run share their rows.
    """

    readers: tuple[str, ...]
    norm: str = ""
    matrix: str = ""
    start: int = 0
    runs: int = 1
    copies: int = 1


@dataclass(frozen=True, slots=True)
class Stretch:
    """What columns of matrices are multiplied by, and what norms and rows are divided by.

    All are float32 and above 0: `columns` [columns] and `rows` [rows] by matrices, `norms`
    [hidden] by norms.
    """

    columns: Mapping[str, Floats] = field(default_factory=dict)
    rows: Mapping[str, Floats] = field(default_factory=dict)
    norms: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def divided(self) -> dict[str, Floats]:
        """What vectors are divided by: norms, and the biases of matrices, by their names."""
        return {**self.rows, **self.norms}

    def plus(self, other: "Stretch") -> "Stretch":
        """Both: of different layers."""
        return Stretch(
            {**self.columns, **other.columns},
            {**self.rows, **other.rows},
            {**self.norms, **other.norms},
        )


def layer_feeds(d: Decoder, i: int) -> tuple[Feed, ...]:
    """What feeds the matrices of a layer, where that can be divided: no activation in between."""
    at, wide = f"layers.{i}", "gate_up" if d.gated else "up"
    found = []
    if d.pre_norms and d.shared_norm:
        found.append(Feed((f"{at}.qkv", f"{at}.{wide}"), norm=f"{at}.attention_norm"))
    elif d.pre_norms:
        found.append(Feed((f"{at}.qkv",), norm=f"{at}.attention_norm"))
        found.append(Feed((f"{at}.{wide}",), norm=f"{at}.mlp_norm"))
    values = (d.heads + d.kv_heads) * d.head_dim
    copies = d.heads // d.kv_heads
    found.append(Feed((f"{at}.o",), "", f"{at}.qkv", values, d.kv_heads, copies))
    if d.gated:
        found.append(Feed((f"{at}.down",), "", f"{at}.gate_up", d.intermediate))
    return tuple(found)


def head_feeds(d: Decoder) -> tuple[Feed, ...]:
    """What feeds the output matrix; where that is the embedding, looked up rows are divided too."""
    return (Feed((EMBEDDING if d.tied else HEAD,), norm="final_norm"),)


def stretched(
    feeds: Collection[Feed],
    known: Collection[str],
    values: Callable[[str], Floats],
    scales: Scales,
) -> Stretch:
    """Column scales for the matrices of some feeds.

    A feed is left alone where one of its readers, or the matrix that it comes from, is not one
    that may be changed.

    Args:
        feeds: of a layer.
        known: the matrices that may be changed.
        values: a matrix by name, float32 [rows, columns].
        scales: finds what to multiply the columns of a feed's readers by.
    """
    columns: dict[str, Floats] = {}
    rows: dict[str, Floats] = {}
    norms: dict[str, Floats] = {}
    for feed in feeds:
        if any(name not in known for name in (*feed.readers, *filter(None, (feed.matrix,)))):
            continue
        matrices = [values(name) for name in feed.readers]
        run = matrices[0].shape[1] // (feed.runs * feed.copies)
        shape = (feed.runs, feed.copies, run)
        found = scales(matrices, feed.readers[0], shape)
        columns |= dict.fromkeys(feed.readers, found)
        if feed.norm:
            norms[feed.norm] = found
            continue
        shares = found.reshape(shape)[:, 0].reshape(-1)
        divided = np.ones(len(values(feed.matrix)), np.float32)
        divided[feed.start : feed.start + len(shares)] = shares
        rows[feed.matrix] = divided
    return Stretch(columns, rows, norms)
