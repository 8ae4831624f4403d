"""The processor, through ONNX Runtime's own CPU execution provider. Run on silicon: yes."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from ondol.bundle import Bundle
from ondol.device import Device, Report, Silicon, State
from ondol.errors import CorruptBundle
from ondol.language import say
from ondol.manifest import Variant
from ondol.plan import Plan, usable_cores
from ondol.runtime import DecoderSession, Runtime
from ondol.stateless import Session

PROVIDERS = ("CPUExecutionProvider",)


class CpuRuntime(Runtime):
    """ONNX Runtime on the CPU: works everywhere."""

    name = "cpu"
    silicon = Silicon.YES

    def _probe(self) -> Report:
        try:
            found = version("onnxruntime")
        except PackageNotFoundError:
            # A build under another name, such as onnxruntime-openvino
            from ondol_runtimes._onnxruntime import ort

            found = ort.__version__
        memory = (
            os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
            if hasattr(os, "sysconf")
            else 0
        )
        device = Device(
            self.name,
            platform.processor() or platform.machine(),
            cores=usable_cores(),
            memory_bytes=memory,
            precisions=("float32", "float16", "bfloat16", "int8", "int4"),
            software=f"onnxruntime {found}",
        )
        reason = say(f"onnxruntime {found} is here.", f"onnxruntime {found}이(가) 있습니다.")
        return Report(self.name, State.AVAILABLE, reason, silicon=self.silicon, device=device)

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        from ondol_runtimes._ort import OrtDecoder, Verified

        variant = _variant(bundle)
        # The graphs are parsed, so they are proven first; the weights are only numbers
        bundle.verify([variant.graph, *variant.prefill])
        verified = Verified(bundle)
        self.at_work.set()
        session = OrtDecoder(bundle, variant, plan, PROVIDERS)
        try:
            verified.wait()
        except BaseException:
            session.close()
            raise
        return session

    def _open_graph(self, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
        from ondol_runtimes._graph import OrtGraph
        from ondol_runtimes._ort import Verified

        variant = _variant(bundle)
        bundle.verify([variant.graph, *variant.prefill])
        verified = Verified(bundle)
        session = OrtGraph(bundle, graph or variant.graph, plan, PROVIDERS)
        try:
            verified.wait()
        except BaseException:
            session.close()
            raise
        return session


def _variant(bundle: Bundle) -> Variant:
    found = bundle.variant("cpu")
    if found is None:
        raise CorruptBundle(
            say(
                f"{bundle.name} has no graph for the CPU.",
                f"{bundle.name}에 CPU용 그래프가 없습니다.",
            ),
            "",
            say("Convert the model with --target cpu.", "--target cpu로 모델을 변환하세요."),
        )
    return found
