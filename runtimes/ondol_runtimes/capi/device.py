"""The processor, through the C API of a bare `libonnxruntime`. Run on silicon: yes.

For a phone, or an image without pip: no Python package of ONNX Runtime is needed or imported.
"""

from pathlib import Path

from ondol.bundle import Bundle
from ondol.device import Report, Silicon, State
from ondol.errors import DeviceUnavailable
from ondol.fitting import Fitted, fit
from ondol.language import say
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime
from ondol.stateless import Session
from ondol_runtimes._inference import Inference
from ondol_runtimes._opening import open_decoder, open_graph, processor
from ondol_runtimes.capi.find import VARIABLE, find


class CapiRuntime(Runtime):
    """ONNX Runtime's C library: computes what `cpu` does."""

    name = "capi"
    silicon = Silicon.YES
    about = (
        "the same through ONNX Runtime's C API: a bare `libonnxruntime`, no pip",
        "같은 것을 ONNX Runtime의 C API로. `libonnxruntime` 파일 하나면 되고 pip은 필요 없음",
    )

    def _probe(self) -> Report:
        found = find()
        if found.fault:
            fix = say(
                f"Name another: {VARIABLE}=FILE, or pip install onnxruntime",
                f"다른 파일을 지정하세요: {VARIABLE}=파일, 또는 pip install onnxruntime",
            )
            state = State.MISSING_SOFTWARE
            return Report(self.name, state, found.fault, fix, silicon=self.silicon)
        name = found.path.name if found.path else ""
        reason = say(
            f"{name}, ONNX Runtime {found.version}, is here.",
            f"{name}(ONNX Runtime {found.version})이(가) 있습니다.",
        )
        device = processor(self.name, f"onnxruntime {found.version} ({found.path})")
        return Report(self.name, State.AVAILABLE, reason, silicon=self.silicon, device=device)

    def fit(self, bundle: Bundle, plan: Plan, memory: int | None, wished_context: bool) -> Fitted:
        """As of the base."""
        return fit(bundle, plan, memory, wished_context=wished_context)

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        return open_decoder(_library(find().path), bundle, plan, self.at_work)

    def _open_graph(self, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
        return open_graph(_library(find().path), bundle, plan, graph)


def _library(path: Path | None) -> Inference:
    from ondol_runtimes.capi.api import StatusError
    from ondol_runtimes.capi.library import library

    try:
        if path is not None:
            return library(path)
        why = ""
    except (OSError, StatusError) as exc:  # it was whole when it was tried
        why = str(exc)
    raise DeviceUnavailable(
        say("ONNX Runtime cannot be loaded.", "ONNX Runtime을 불러올 수 없습니다."),
        why,
        say(f"Name another: {VARIABLE}=FILE", f"다른 파일을 지정하세요: {VARIABLE}=파일"),
    )
