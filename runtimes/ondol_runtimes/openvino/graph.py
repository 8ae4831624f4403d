"""A graph without a state on OpenVINO, such as an encoder's."""

from typing import TYPE_CHECKING

from ondol.bundle import Bundle
from ondol.plan import Plan
from ondol.stateless import Session
from ondol_runtimes.openvino.compiled import Compiled

if TYPE_CHECKING:
    from ondol.stateless import Arrays


class OpenVinoGraph(Session):
    """One graph file, compiled as it is."""

    def __init__(self, bundle: Bundle, name: str, plan: Plan) -> None:
        self._compiled = Compiled(bundle, name, plan)
        super().__init__(self._compiled.inputs, self._compiled.outputs)

    def _run(self, feeds: "Arrays") -> "Arrays":
        return self._compiled.run(feeds)

    def _close(self) -> None:
        del self._compiled
