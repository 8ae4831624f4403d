"""An encoder's graphs for texts of fixed lengths, used as one graph for any: text by text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ondol.batching import INPUTS
from ondol.errors import CorruptBundle, OptionError
from ondol.language import say
from ondol.stateless import Port, Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ondol.stateless import Arrays

NAMES = INPUTS[:2]


class FixedLengths(Session):
    """Runs each text in the shortest graph that holds it; nothing is ever cut.

    `longest` is how many tokens the longest graph takes.
    """

    def __init__(self, graphs: Sequence[Session], pad: int) -> None:
        """Args: open graphs of [1, n] int32 inputs, closed with the session; the id of padding.

        Raises:
            CorruptBundle: if the graphs are not those of one encoder.
        """
        lengths = [_length(graph) for graph in graphs]
        outputs = {
            (g.outputs[0].name, g.outputs[0].shape[-1], len(g.outputs[0].shape)) for g in graphs
        }
        if len(set(lengths)) != len(graphs) or None in lengths or len(outputs) != 1:
            raise _differ(graphs)
        ((name, width, axes),) = outputs
        free = (None,) * (axes - 1)
        super().__init__(
            [Port(name, "int64", (None, None)) for name in NAMES],
            [Port(name, "float32", (*free, width))],
        )
        by_length = sorted(
            zip((n or 0 for n in lengths), graphs, strict=True), key=lambda each: each[0]
        )
        self._graphs, self._pad = by_length, pad
        self.longest = by_length[-1][0]
        self.placement = by_length[-1][1].placement

    def _run(self, feeds: "Arrays") -> "Arrays":
        import numpy as np

        ids, mask = (feeds[name] for name in NAMES)
        rows = [self._text(text, real) for text, real in zip(ids, mask, strict=True)]
        return {self.outputs[0].name: np.concatenate(rows)}

    def _text(self, ids: "NDArray[np.int64]", mask: "NDArray[np.int64]") -> "NDArray[np.float32]":
        """The output of one text [1, …], as of the tokens that were given."""
        import numpy as np

        real = np.flatnonzero(mask)
        count = int(real[-1]) + 1 if len(real) else 0
        found = next(((n, graph) for n, graph in self._graphs if n >= count), None)
        if found is None or ids.shape != mask.shape or not count:
            raise OptionError(
                say("The graph does not take these inputs.", "그래프에 맞지 않는 입력입니다."),
                f"input_ids {list(ids.shape)}, attention_mask {list(mask.shape)}, {count}",
                say(
                    f"1 to {self.longest} tokens of text.",
                    f"글은 1~{self.longest}토큰이어야 합니다.",
                ),
            )
        n, graph = found
        feeds = {name: np.zeros((1, n), np.int32) for name in NAMES}
        feeds["input_ids"][:] = self._pad
        for name, given in zip(NAMES, (ids, mask), strict=True):
            feeds[name][0, :count] = given[:count]
        made: NDArray[np.float32] = graph.run(feeds)[graph.outputs[0].name]
        if made.ndim < 3:
            return made
        rows = np.zeros((1, len(ids), made.shape[2]), np.float32)  # a row for each token
        rows[0, :count] = made[0, :count]
        return rows

    def _close(self) -> None:
        for _, graph in self._graphs:
            graph.close()


def _length(graph: Session) -> int | None:
    """How many tokens a graph takes; None where it is no encoder's of a fixed length."""
    shapes = {port.shape for port in graph.inputs if port.dtype == "int32"}
    if {port.name for port in graph.inputs} != set(NAMES) or len(shapes) != 1:
        return None
    (shape,) = shapes
    return shape[1] if len(shape) == 2 and shape[0] == 1 else None


def _differ(graphs: Sequence[Session]) -> CorruptBundle:
    return CorruptBundle(
        say(
            "The graphs of fixed lengths are not those of one encoder.",
            "고정 길이 그래프들이 한 인코더의 것이 아닙니다.",
        ),
        "; ".join(str(port) for graph in graphs for port in (*graph.inputs, *graph.outputs))[:400],
        say("Convert the model again.", "모델을 다시 변환하세요."),
    )
