"""Any plugin execution provider of ONNX Runtime, by its library. Run on silicon: no.

    device="plugin:/opt/vendor/libvendor_ep.so"    a shared library
    device="plugin:nxrt_ep_cpu"                    a Python package that says where its library is

The plugin runs the nodes it takes and ONNX Runtime's CPU provider the others; a session's
`placement` names them. A plugin that takes none is an error. Prompts run through the decoding
graph only. Keys and values are one memory for past and present, as of GroupQueryAttention's
contract: a plugin that takes that operator has to keep it.
Run here with nxrt-ep-cpu, a plugin for the CPU: with a vendor's, on silicon, never.
"""

from dataclasses import replace
from typing import ClassVar

from ondol.bundle import Bundle
from ondol.device import Device, Report, Silicon, State
from ondol.language import say
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime
from ondol.stateless import Session
from ondol_runtimes._opening import open_decoder, open_graph
from ondol_runtimes.plugin.find import find


class PluginRuntime(Runtime):
    """A plugin by its file or package; without one, a row that says how to name one."""

    name = "plugin"
    silicon = Silicon.NO
    about = (
        "`plugin:LIBRARY`: any plugin execution provider of ONNX Runtime, by its file or its "
        "Python package; run with nxrt-ep-cpu, a plugin for the CPU",
        "`plugin:라이브러리`: 파일이나 파이썬 패키지로 지정하는 ONNX Runtime 플러그인. "
        "CPU용 플러그인 nxrt-ep-cpu로 실행해 봄",
    )
    open_seconds: ClassVar[float | None] = 300.0  # a plugin may compile the graph

    def __init__(self, library: str = "") -> None:
        self._named = library
        if library:
            self.name = f"plugin:{library}"

    def _probe(self) -> Report:
        if not self._named:
            return Report(
                self.name,
                State.MISSING_SOFTWARE,
                say("No plugin was named.", "플러그인을 지정하지 않았습니다."),
                say(
                    "Name its library, or its Python package: plugin:FILE",
                    "라이브러리 파일이나 파이썬 패키지 이름을 주세요: plugin:파일",
                ),
                self.silicon,
            )
        found = find(self._named)
        if found.fault:
            fix = say(
                "Name the library of a plugin for ONNX Runtime: plugin:FILE",
                "ONNX Runtime 플러그인의 라이브러리를 지정하세요: plugin:파일",
            )
            return Report(self.name, found.state, found.fault, fix, self.silicon)
        offered = ", ".join(found.devices)
        return Report(
            self.name,
            State.AVAILABLE,
            say(f"It offers {offered}.", f"쓸 수 있는 장치: {offered}"),
            silicon=self.silicon,
            device=Device(
                self.name,
                offered,
                software=f"onnxruntime {found.onnxruntime} + {found.library}",
            ),
        )

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        from ondol_runtimes.plugin.inference import PluginPackage

        # Without the prefill stages: what the placement says of the one graph is then all there is
        whole = replace(plan, integer_prefill=True)
        package = PluginPackage(self.name, find(self._named).library)
        return open_decoder(package, bundle, whole, self.at_work)

    def _open_graph(self, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
        from ondol_runtimes.plugin.inference import PluginPackage

        package = PluginPackage(self.name, find(self._named).library)
        return open_graph(package, bundle, plan, graph)
