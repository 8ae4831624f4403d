"""A graph without a state on ONNX Runtime, such as an encoder's."""

from typing import TYPE_CHECKING

from ondol.bundle import Bundle
from ondol.plan import Plan
from ondol.stateless import Session
from ondol_runtimes._bound import load, run
from ondol_runtimes._inference import Inference, Settings

if TYPE_CHECKING:
    from ondol.stateless import Arrays


class OrtGraph(Session):
    """One graph file, opened as it is."""

    def __init__(self, inference: Inference, bundle: Bundle, name: str, plan: Plan) -> None:
        self._inference = inference
        self._graph = load(inference, bundle, name, Settings(plan.threads, plan.spin))
        self.placement = self._graph.placement
        super().__init__(self._graph.inputs, self._graph.outputs)

    def _run(self, feeds: "Arrays") -> "Arrays":
        made = run(self._graph, self._inference, feeds)
        return {port.name: array for port, array in zip(self.outputs, made, strict=True)}

    def _close(self) -> None:
        del self._graph
