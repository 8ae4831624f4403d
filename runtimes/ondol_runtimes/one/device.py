"""Samsung ONE: the Exynos maker's open runtime, onert, on circle files. Run on silicon: no.

Run here on the wheel's CPU backend for x86-64, which is not an Exynos: what it computes is what
this device promises, how fast it is says nothing of a phone.
Calls as of onert 0.1.0 (https://github.com/Samsung/ONE, runtime/onert/api/python).
"""

import importlib.util
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from ondol.bundle import Bundle
from ondol.child_process import fault
from ondol.device import Device, Report, Silicon, State
from ondol.errors import DeviceUnavailable
from ondol.language import say
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime
from ondol.stateless import Session
from ondol_runtimes.one.trial import IMPORT, prove

PACKAGE = "onert"
SECONDS = 20.0


class OneRuntime(Runtime):
    """onert's CPU backend on a bundle's variant `one`."""

    name = "one"
    silicon = Silicon.NO
    target = "one"
    about = (
        "Samsung ONE's onert on circle files; run on its CPU backend, never on an Exynos",
        "circle 파일을 실행하는 삼성 ONE의 onert. CPU 백엔드로만 실행했고 엑시노스에서는 안 함",
    )

    def _probe(self) -> Report:
        if importlib.util.find_spec(PACKAGE) is None:
            return self._missing(
                say("The package onert is not installed.", "onert 패키지가 없습니다."),
            )
        fault = _fault()
        if fault:
            return self._missing(
                say(f"onert cannot be imported: {fault}", f"onert를 불러올 수 없습니다: {fault}")
            )
        found = _version()
        device = Device(
            self.name,
            say(
                "Samsung ONE on its CPU backend; not run on silicon of Exynos",
                "삼성 ONE의 CPU 백엔드. 엑시노스 칩에서는 실행해 보지 않음",
            ),
            precisions=("float32", "q4_0", "q8_0"),
            software=f"onert {found}",
        )
        reason = say(
            f"onert {found} is here, with its CPU backend. Not run on silicon of Exynos.",
            f"onert {found}이(가) CPU 백엔드와 함께 있습니다. 엑시노스 칩에서는 실행해 보지 "
            "않았습니다.",
        )
        return Report(self.name, State.AVAILABLE, reason, silicon=self.silicon, device=device)

    def _missing(self, reason: str) -> Report:
        fix = 'pip install "ondol[one]"'
        return Report(self.name, State.MISSING_SOFTWARE, reason, fix, self.silicon)

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        from ondol_runtimes.one.decoder import OnertDecoder

        graph = _proven(bundle)
        self.at_work.set()
        return OnertDecoder(bundle, graph, plan)

    def _open_graph(self, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
        from ondol_runtimes.one.encoder import OnertEmbedder

        _ = bundle.encoder
        return OnertEmbedder(bundle, _proven(bundle), plan)


def _proven(bundle: Bundle) -> str:
    """The circle's file: it and the one that describes it are whole, and onert survives it."""
    from ondol_runtimes.one.layout import check_layout

    variant = bundle.variant("one")
    if variant is None:
        raise DeviceUnavailable(
            say(
                f"{bundle.name} has no circle file for Samsung ONE.",
                f"{bundle.name}에 삼성 ONE용 circle 파일이 없습니다.",
            ),
            say("It was converted for other targets.", "다른 대상용으로 변환된 번들입니다."),
            say("Convert the model with --target one.", "--target one으로 모델을 변환하세요."),
        )
    if bundle.packed is not None:
        raise DeviceUnavailable(
            say(
                f"onert cannot read {bundle.path.name}.",
                f"onert는 {bundle.path.name}을(를) 읽지 못합니다.",
            ),
            say(
                "It opens files by their paths, and this bundle is one file.",
                "파일 경로로만 여는데, 이 번들은 파일 하나로 묶여 있습니다.",
            ),
            f"ondol unpack {bundle.path}",
        )
    bundle.verify([variant.graph])
    entry = next(each for each in bundle.manifest.files if each.path == variant.graph)
    path = bundle.file(variant.graph)
    check_layout(path)
    prove(str(path), entry.sha256)
    return variant.graph


def _version() -> str:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "?"


@cache
def _fault() -> str:
    """Why onert's library cannot be loaded; empty if it can."""
    return fault(IMPORT, seconds=SECONDS)
