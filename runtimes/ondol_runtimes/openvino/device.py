"""The processor through native OpenVINO, to check ONNX Runtime against. Run on silicon: yes.

Run on a processor; on Intel's neural processors and graphics, which OpenVINO knows too, never.
Calls as of OpenVINO 2026.4.1 (Apache-2.0, https://docs.openvino.ai). Its frontend reads encoders
and float32 decoders; `WRONG` is what it computes wrongly, found with our own tiny models.
"""

import importlib.util
import json
from collections.abc import Mapping
from functools import cache
from typing import ClassVar

from ondol.bundle import Bundle
from ondol.child_process import Answer, ask, can_ask
from ondol.device import Device, Report, Silicon, State
from ondol.errors import DeviceUnavailable
from ondol.language import say
from ondol.model_facts import ModelFacts
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime
from ondol.stateless import Session
from ondol_runtimes._opening import proven

SECONDS = 20.0

WRONG: Mapping[str, tuple[str, str]] = {
    "com.microsoft::RotaryEmbedding": (
        "OpenVINO computes {} wrongly: logits were off by 0.4 to 0.9 of the largest (2026.4.1).",
        "OpenVINO는 {} 연산을 틀리게 계산합니다. 로짓이 최댓값의 0.4~0.9만큼 어긋났습니다"
        "(2026.4.1).",
    ),
    "com.microsoft::GatherBlockQuantized": (
        "OpenVINO does not read {} as our quantised decoders use it (2026.4.1): convert the model "
        "with --weights float32.",
        "OpenVINO는 양자화한 디코더의 {} 연산을 읽지 못합니다(2026.4.1). --weights float32로 "
        "변환하세요.",
    ),
}
"""Operators that are refused, and why."""


class OpenVinoRuntime(Runtime):
    """OpenVINO's CPU device."""

    name = "openvino"
    silicon = Silicon.YES
    about = (
        "native OpenVINO on the processor, a second engine to check the first: encoders and "
        "float32 decoders; never run on an Intel NPU",
        "프로세서에서 도는 OpenVINO. 결과를 견주어 보는 둘째 엔진으로 인코더와 float32 디코더를 "
        "실행. 인텔 NPU에서는 안 함",
    )
    open_seconds: ClassVar[float | None] = 300.0

    def _probe(self) -> Report:
        if importlib.util.find_spec("openvino") is None:
            return self._missing(
                say("The package openvino is not installed.", "openvino 패키지가 없습니다.")
            )
        answer = _asked()
        if answer.fault or not answer.lines:
            return self._missing(
                say(
                    f"openvino cannot be used: {answer.fault}",
                    f"openvino를 쓸 수 없습니다: {answer.fault}",
                )
            )
        version, devices = json.loads(answer.lines[-1])
        if "CPU" not in devices:
            return self._missing(
                say(
                    f"OpenVINO {version} has no CPU device, only: {', '.join(devices)}.",
                    f"OpenVINO {version}에 CPU 장치가 없습니다. 있는 것: {', '.join(devices)}",
                )
            )
        found = ", ".join(devices)
        return Report(
            self.name,
            State.AVAILABLE,
            say(
                f"OpenVINO {version} is here with {found}; CPU is used.",
                f"OpenVINO {version}과(와) {found} 장치가 있으며 CPU를 씁니다.",
            ),
            silicon=self.silicon,
            device=Device(
                self.name, f"OpenVINO {found}", precisions=(), software=f"openvino {version}"
            ),
        )

    def _missing(self, reason: str) -> Report:
        fix = 'pip install "ondol[openvino]"'
        return Report(self.name, State.MISSING_SOFTWARE, reason, fix, self.silicon)

    def refusal(self, bundle: Bundle) -> tuple[str, str]:
        """As of the base, and operators of `WRONG`."""
        reason, fix = super().refusal(bundle)
        if reason:
            return reason, fix
        variant = bundle.variant(self.target)
        operators = variant.needs.operators if variant else ()
        wrong = next((each for each in operators if each in WRONG), None)
        if wrong is not None:
            english, korean = WRONG[wrong]
            return say(english.format(wrong), korean.format(wrong)), _elsewhere()
        model = bundle.manifest.model
        if isinstance(model, ModelFacts) and model.cache != "float32":
            return (
                say(
                    f"Its keys and values are {model.cache}; OpenVINO takes float32.",
                    f"키와 값이 {model.cache}인데 OpenVINO는 float32만 받습니다.",
                ),
                _elsewhere(),
            )
        return "", ""

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        from ondol_runtimes.openvino.decoder import OpenVinoDecoder

        self._check(bundle)

        def make(graph: str) -> DecoderSession:
            self.at_work.set()
            return OpenVinoDecoder(bundle, graph, plan)

        return proven(bundle, make)

    def _open_graph(self, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
        from ondol_runtimes.openvino.graph import OpenVinoGraph

        self._check(bundle)
        return proven(bundle, lambda own: OpenVinoGraph(bundle, graph or own, plan))

    def _check(self, bundle: Bundle) -> None:
        reason, fix = self.refusal(bundle)
        if reason:
            what = say(
                f"The device {self.name} cannot run {bundle.name}.",
                f"{self.name} 장치로는 {bundle.name}을(를) 실행할 수 없습니다.",
            )
            raise DeviceUnavailable(what, reason, fix)


def _elsewhere() -> str:
    return say("Choose another device: ondol devices", "다른 장치를 고르세요: ondol devices")


@cache
def _asked() -> Answer:
    """Version and devices, from another process; an app in one piece finds out by itself."""
    from ondol_runtimes.openvino import door

    if can_ask():
        return ask("-c", door.PROBE, seconds=SECONDS)
    package = door.openvino()
    version = package.__version__.partition("-")[0]
    return Answer((json.dumps([version, package.Core().available_devices]),))
