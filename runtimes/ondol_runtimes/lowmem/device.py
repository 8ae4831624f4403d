"""The processor, with weights mapped instead of copied: for little memory. Run on silicon: yes.

The weights are packed once for each opening, onto the disk, and mapped from there: tokens are
those of `cpu`, private memory is the cache and the scratch, and the system takes pages of weights
back when it needs them. Under `--memory` those beyond it are given back after each run.
It costs time to open, disk space while open, and page faults a token; `benchmarks/lowmem.py`
measures the tokens per second beside `cpu`.
"""

from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version

from ondol.bundle import Bundle
from ondol.device import Report, Silicon, State
from ondol.fitting import Fitted, fit
from ondol.language import say
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime
from ondol_runtimes._opening import open_decoder, processor


class LowmemRuntime(Runtime):
    """ONNX Runtime on the CPU, its packed weights in a mapped file."""

    name = "lowmem"
    silicon = Silicon.YES
    about = (
        "the processor with packed weights mapped from a file: little memory, slower",
        "준비한 가중치를 파일에서 매핑하는 프로세서: 메모리를 적게 쓰고 더 느림",
    )

    def _probe(self) -> Report:
        try:
            found = version("onnxruntime")
        except PackageNotFoundError:
            return Report(
                self.name,
                State.MISSING_SOFTWARE,
                say("onnxruntime is not installed.", "onnxruntime이 설치되어 있지 않습니다."),
                "pip install onnxruntime",
                silicon=self.silicon,
            )
        device = processor(self.name, f"onnxruntime {found}")
        reason = say(
            "Weights stay in a mapped file: little memory, slower to open and a little slower "
            "a token, twice the bundle of disk while open.",
            "가중치를 파일에 두고 매핑합니다. 메모리는 적게 쓰지만 여는 데 오래 걸리고 토큰마다 "
            "조금 느리며, 여는 동안 번들의 두 배쯤 디스크를 씁니다.",
        )
        return Report(self.name, State.AVAILABLE, reason, silicon=self.silicon, device=device)

    def fit(self, bundle: Bundle, plan: Plan, memory: int | None, wished_context: bool) -> Fitted:
        """As of the base; weights count with the largest piece only."""
        streamed = replace(plan, memory=memory)
        return fit(bundle, streamed, memory, wished_context=wished_context, streamed=True)

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        from ondol_runtimes._package import Package
        from ondol_runtimes.lowmem.decoder import LowmemDecoder

        return open_decoder(Package(), bundle, plan, self.at_work, LowmemDecoder)
