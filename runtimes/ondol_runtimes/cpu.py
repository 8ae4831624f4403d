"""The processor, through ONNX Runtime's own CPU execution provider. Run on silicon: yes."""

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from ondol.bundle import Bundle
from ondol.device import Report, Silicon, State
from ondol.fitting import Fitted, fit
from ondol.language import say
from ondol.placement_report import Assigned, NodeCost
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime
from ondol.stateless import Session
from ondol_runtimes._opening import open_decoder, open_graph, processor


class CpuRuntime(Runtime):
    """ONNX Runtime on the CPU: works everywhere."""

    name = "cpu"
    silicon = Silicon.YES
    about = ("ONNX Runtime on the processor", "프로세서에서 도는 ONNX Runtime")

    def _probe(self) -> Report:
        try:
            found = version("onnxruntime")
        except PackageNotFoundError:
            # A build under another name, such as onnxruntime-openvino
            from ondol_runtimes._onnxruntime import ort

            found = ort.__version__
        device = processor(self.name, f"onnxruntime {found}")
        reason = say(f"onnxruntime {found} is here.", f"onnxruntime {found}이(가) 있습니다.")
        return Report(self.name, State.AVAILABLE, reason, silicon=self.silicon, device=device)

    def assign(
        self, bundle: Bundle, plan: Plan, nodes: Sequence[NodeCost], tokens: int
    ) -> Sequence[Assigned]:
        """As ONNX Runtime records it; nodes that it took out of the graph run nowhere."""
        from ondol_runtimes._package import assignment

        providers = assignment(bundle, self.target)
        return [_assigned(providers, node) for node in nodes]

    def fit(self, bundle: Bundle, plan: Plan, memory: int | None, wished_context: bool) -> Fitted:
        """As of the base."""
        return fit(bundle, plan, memory, wished_context=wished_context)

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        from ondol_runtimes._package import Package

        return open_decoder(Package(), bundle, plan, self.at_work)

    def _open_graph(self, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
        from ondol_runtimes._package import Package

        return open_graph(Package(), bundle, plan, graph)


def _assigned(providers: Mapping[str, str], node: NodeCost) -> Assigned:
    provider = providers.get(node.name)
    if provider is None:
        reason = say(
            "ONNX Runtime fused it into another node, or left it out.",
            "ONNX Runtime이 다른 노드에 합치거나 뺐습니다.",
        )
        return Assigned("", reason)
    reason = say(f"ONNX Runtime gave it to {provider}.", f"ONNX Runtime이 {provider}에 맡겼습니다.")
    return Assigned("cpu" if provider == "CPUExecutionProvider" else provider, reason)
