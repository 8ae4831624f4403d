"""An embedder on onert: text by text, in graphs prepared for their lengths."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, OptionError
from ondol.language import say
from ondol.plan import Plan
from ondol.stateless import Port, Session
from ondol.target_reports import OneReport, one_report
from ondol_runtimes.one.prepared import Prepared

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol.stateless import Arrays

STEP = 8
"""What lengths of graphs are multiples of, in tokens: padding is computed like any token."""
KEPT = 16  # prepared graphs; preparing one again is cheap, for weights are mapped
EMBEDDING = "embedding"
INPUTS = {"input_ids", "numbers", "mask"}


class OnertEmbedder(Session):
    """The circle of `ondol_converters.circle.encoder`, with the CPU graph's inputs and output."""

    def __init__(self, bundle: Bundle, graph: str, plan: Plan) -> None:
        facts = bundle.encoder
        super().__init__(
            [Port(name, "int64", (None, None)) for name in ("input_ids", "attention_mask")],
            [Port(EMBEDDING, "float32", (None, facts.width))],
        )
        self._path, self._threads = str(bundle.file(graph)), plan.threads
        self._circle, self._facts = one_report(bundle), facts
        _check_facts(self._circle, bundle)
        self._prepared: dict[int, Prepared] = {}
        self._graph(min(STEP, facts.context))

    def _run(self, feeds: "Arrays") -> "Arrays":
        ids, mask = feeds["input_ids"], feeds["attention_mask"]
        self._check_ids(ids, mask)
        rows = np.empty((len(ids), self._facts.width), np.float32)
        for at, (text, real) in enumerate(zip(ids, mask, strict=True)):
            rows[at] = self._embedded(text, real)
        return {EMBEDDING: rows}

    def _embedded(
        self, ids: "NDArray[np.int64]", mask: "NDArray[np.int64]"
    ) -> "NDArray[np.float32]":
        count = int(np.flatnonzero(mask)[-1]) + 1 if mask.any() else len(ids)
        length = self._length(count)
        text, real = np.full(length, self._facts.pad, np.int32), np.zeros(length, np.float32)
        text[:count], real[:count] = ids[:count], mask[:count]
        graph = self._graph(length)
        arrays = {"input_ids": text, "numbers": np.arange(length, dtype=np.int32), "mask": real}
        for name, array in arrays.items():
            graph.feed(name, array)
        graph.run()
        return graph.output(EMBEDDING)

    def _length(self, count: int) -> int:
        return min(-(-count // STEP) * STEP, self._facts.context)

    def _graph(self, length: int) -> Prepared:
        """The graph of a length; the one that was not used for longest gives way."""
        graph = self._prepared.pop(length, None)
        if graph is None:
            sizes: dict[str, Sequence[int]] = {p.name: (length,) for p in self._circle.inputs}
            graph = Prepared(self._path, self._circle, sizes, self._threads)
        self._prepared[length] = graph
        if len(self._prepared) > KEPT:
            del self._prepared[next(iter(self._prepared))]
        return graph

    def _check_ids(self, ids: "NDArray[np.int64]", mask: "NDArray[np.int64]") -> None:
        facts = self._facts
        within = ids.size > 0 and ids.min() >= 0 and ids.max() < facts.vocabulary
        if ids.shape == mask.shape and within and ids.shape[1] <= facts.context:
            return
        raise OptionError(
            say("The graph does not take these inputs.", "그래프에 맞지 않는 입력입니다."),
            f"input_ids {list(ids.shape)}, attention_mask {list(mask.shape)}",
            say(
                f"At most {facts.context} tokens, each below {facts.vocabulary}.",
                f"토큰은 {facts.context}개까지, 번호는 {facts.vocabulary}보다 작아야 합니다.",
            ),
        )

    def _close(self) -> None:
        self._prepared.clear()


def _check_facts(circle: OneReport, bundle: Bundle) -> None:
    """Compare what the manifest says of an encoder with its circle."""
    width = bundle.encoder.width
    outputs = [(port.name, port.shape) for port in circle.outputs]
    if {port.name for port in circle.inputs} == INPUTS and outputs == [(EMBEDDING, (1, width))]:
        return
    raise CorruptBundle(
        say(
            f"{bundle.name}: the manifest and the circle are of different models.",
            f"{bundle.name}: 목록 파일과 circle 그래프가 서로 다른 모델의 것입니다.",
        ),
        "; ".join(map(str, (*circle.inputs, *circle.outputs)))[:400],
        say("Convert the model again.", "모델을 다시 변환하세요."),
    )
