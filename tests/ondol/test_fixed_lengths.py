"""Graphs of fixed lengths behind one session: which one runs, and that nothing is cut."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ondol.errors import CorruptBundle, OptionError
from ondol.fixed_lengths import FixedLengths
from ondol.stateless import Port, Session

PAD = 9


class Sums(Session):
    """The sum of a text's ids without padding and n, or for tagging of each token its id."""

    def __init__(self, n: int, width: int = 2, axes: int = 2, dtype: str = "int32") -> None:
        names = ("input_ids", "attention_mask")
        shape = (1, width) if axes == 2 else (1, n, width)
        super().__init__(
            [Port(name, dtype, (1, n)) for name in names], [Port("embedding", "float32", shape)]
        )
        self.n, self.axes, self.padding = n, axes, list[int]()

    def _run(self, feeds: Mapping[str, NDArray[Any]]) -> Mapping[str, NDArray[Any]]:
        ids, mask = feeds["input_ids"], feeds["attention_mask"]
        self.padding += ids[mask == 0].tolist()
        if self.axes == 3:
            return {"embedding": np.stack([ids, ids], axis=2).astype(np.float32)}
        return {"embedding": np.array([[(ids * mask).sum(), self.n]], np.float32)}


def feeds(*texts: list[int]) -> dict[str, NDArray[Any]]:
    longest = max(map(len, texts))
    ids = np.full((len(texts), longest), PAD)
    mask = np.zeros_like(ids)
    for row, text in enumerate(texts):
        ids[row, : len(text)], mask[row, : len(text)] = text, 1
    return {"input_ids": ids, "attention_mask": mask}


def test_each_text_runs_in_the_shortest_graph_that_holds_it() -> None:
    long, short = Sums(8), Sums(4)
    with FixedLengths([long, short], PAD) as session:
        assert session.longest == 8
        made = session.run(feeds([1, 2, 3, 4, 5], [7], [1, 2, 3, 4], [1] * 8))["embedding"]
    assert made.tolist() == [[15, 8], [7, 4], [10, 4], [8, 8]]
    assert set(long.padding) == {PAD} == set(short.padding)
    with pytest.raises(Exception, match=r"closed|닫힌"):
        short.run(feeds([1]))


def test_tokens_have_a_row_each_and_padding_none() -> None:
    with FixedLengths([Sums(4, axes=3), Sums(8, axes=3)], PAD) as session:
        assert session.outputs[0].shape == (None, None, 2)
        made = session.run(feeds([1, 2, 3, 4, 5], [7, 8]))["embedding"]
    assert made[:, :, 0].tolist() == [[1, 2, 3, 4, 5], [7, 8, 0, 0, 0]]


@pytest.mark.parametrize("texts", [([1] * 9,), ([],)])
def test_a_text_that_no_graph_holds_is_refused(texts: tuple[list[int]]) -> None:
    given = feeds(*texts) if texts[0] else {name: a[:, :0] for name, a in feeds([1]).items()}
    with FixedLengths([Sums(4), Sums(8)], PAD) as session, pytest.raises(OptionError) as caught:
        session.run(given)
    assert "8" in caught.value.fix


@pytest.mark.parametrize(
    "graphs",
    [
        [Sums(4), Sums(4)],
        [Sums(4), Sums(8, width=3)],
        [Sums(4), Sums(8, axes=3)],
        [Sums(4, dtype="int64")],
        [],
    ],
)
def test_graphs_of_unlike_encoders_are_refused(graphs: list[Session]) -> None:
    with pytest.raises(CorruptBundle):
        FixedLengths(graphs, PAD)
