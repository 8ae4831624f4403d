"""Qualcomm's HTP in Snapdragon chips, through onnxruntime-qnn. Run on silicon: no, in an emulator.

On x86-64 the plugin brings an emulator of the HTP: it says what a chip would compute, and nothing
of how fast. Ondol's code was run in that emulator only; on a phone it has not been tried.
Calls as of onnxruntime-qnn 2.7.0 (https://onnxruntime.ai/docs/execution-providers/QNN-ExecutionProvider.html).
"""

import importlib.util
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ondol.bundle import Bundle
from ondol.child_process import fault
from ondol.device import Device, Report, Silicon, State
from ondol.errors import DeviceUnavailable
from ondol.fitting import Fitted, no_limit
from ondol.language import say
from ondol.manifest import Variant
from ondol.model_facts import SpeechFacts
from ondol.plan import Plan
from ondol.runtime import DecoderSession, Runtime
from ondol.stateless import Session
from ondol_runtimes.qnn.soc import DEFAULT, SOCS, Soc, soc_of

if TYPE_CHECKING:
    from ondol_runtimes._opening import Verified
    from ondol_runtimes.qnn.graph import HtpGraph

PACKAGE, MODULE = "onnxruntime-qnn", "onnxruntime_qnn"
SECONDS = 20.0
MOST_BYTES = 1 << 31  # a context is one ONNX message, and those end there
Opened = TypeVar("Opened", DecoderSession, Session)
GRAPHS, CONTEXTS = "npu", "qnn:"
"""Targets of variants: static graphs, and what follows `qnn:` is the chip of an EPContext."""


class QnnRuntime(Runtime):
    """The HTP of one chip on a bundle's variant for it, or on its variant `npu`."""

    name = "qnn"
    silicon = Silicon.EMULATOR
    target = GRAPHS
    about = (
        "Qualcomm's HTP (Snapdragon in Galaxy); run in its emulator, never on silicon",
        "퀄컴 HTP(갤럭시의 스냅드래곤). 에뮬레이터로만 실행했고 실제 칩에서는 안 함",
    )

    def __init__(self, soc: str = "") -> None:
        """Args: the chip; otherwise the only one that a bundle was compiled for, else SM8750.

        Raises:
            OptionError: naming the chips that are known.
        """
        self._soc = soc_of(soc) if soc else None

    def _probe(self) -> Report:
        if importlib.util.find_spec(MODULE) is None:
            return self._missing(
                say(f"The package {PACKAGE} is not installed.", f"{PACKAGE} 패키지가 없습니다.")
            )
        why = _fault()
        if why:
            return self._missing(
                say(f"{PACKAGE} cannot be used: {why}", f"{PACKAGE}을(를) 쓸 수 없습니다: {why}")
            )
        found, where = _version(), _where()
        device = Device(
            self.name,
            where,
            precisions=("float16", "int8", "uint8", "uint16"),
            software=f"{PACKAGE} {found}",
        )
        reason = say(
            f"{PACKAGE} {found} is here. {where}; for {self._named()}.",
            f"{PACKAGE} {found}이(가) 있습니다. {where}. 대상 SoC: {self._named()}.",
        )
        return Report(self.name, State.AVAILABLE, reason, silicon=self.silicon, device=device)

    def refusal(self, bundle: Bundle) -> tuple[str, str]:
        """As of the base, for this chip."""
        if not isinstance(bundle.manifest.model, SpeechFacts):
            try:
                chosen(bundle, self._soc)
            except DeviceUnavailable as exc:
                return f"{exc.what} {exc.why}", exc.fix
            return "", ""
        return super().refusal(bundle)

    def fit(self, bundle: Bundle, plan: Plan, memory: int | None, wished_context: bool) -> Fitted:
        """As of the base: the cache of static graphs is of one length."""
        from ondol_runtimes._static import fitted

        chosen(bundle, self._soc)  # a bundle without such graphs says nothing of their length
        if memory is not None:
            raise no_limit(self.name)
        return fitted(bundle, plan, wished_context=wished_context)

    def _named(self) -> str:
        return self._soc.name if self._soc else ", ".join(f"qnn:{name}" for name in SOCS)

    def _missing(self, reason: str) -> Report:
        fix = 'pip install "ondol[qnn]"'
        return Report(self.name, State.MISSING_SOFTWARE, reason, fix, self.silicon)

    def _open(self, bundle: Bundle, plan: Plan) -> DecoderSession:
        from ondol_runtimes._static import StaticDecoder

        graphs, verified = self._graphs(bundle)
        return _held(StaticDecoder(bundle, graphs[0], graphs[1:], plan), verified)

    def _open_graph(self, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
        from ondol.fixed_lengths import FixedLengths

        graphs, verified = self._graphs(bundle, graph)
        if graph is not None:
            return _held(graphs[0], verified)
        return _held(FixedLengths(graphs, bundle.encoder.pad), verified)

    def _graphs(
        self, bundle: Bundle, graph: str | None = None
    ) -> "tuple[list[HtpGraph], Verified]":
        """A variant's graphs, or the one that is named; the bundle is hashed meanwhile."""
        from ondol_runtimes._opening import Verified
        from ondol_runtimes.qnn.context import check_context
        from ondol_runtimes.qnn.graph import HtpGraph

        variant, soc = chosen(bundle, self._soc)
        names = (variant.graph, *variant.prefill) if graph is None else (graph,)
        bundle.verify(names)
        if variant.target != GRAPHS:
            for name in names:
                check_context(bundle, name, soc)
        verified = Verified(bundle)
        self.at_work.set()
        return [HtpGraph(bundle, name, soc) for name in names], verified


def _held(session: Opened, verified: "Verified") -> Opened:
    """The session, if the bundle is what its manifest says."""
    try:
        verified.wait()
    except BaseException:
        session.close()
        raise
    return session


def chosen(bundle: Bundle, soc: Soc | None) -> tuple[Variant, Soc]:
    """The variant to open for a chip, and the chip where none was said.

    Raises:
        DeviceUnavailable: if there is none, or only some that were compiled for other chips.
    """
    contexts = {
        v.target.removeprefix(CONTEXTS): v
        for v in bundle.manifest.variants
        if v.target.startswith(CONTEXTS)
    }
    if soc is None:
        known = [name for name in contexts if name in SOCS]
        soc = SOCS[known[0] if len(known) == 1 else DEFAULT]
    if soc.name in contexts:
        return check_size(bundle, contexts[soc.name]), soc
    if contexts:
        raise DeviceUnavailable(
            say(
                f"{bundle.name} was not compiled for {soc.name}.",
                f"{bundle.name}은(는) {soc.name}용으로 컴파일되지 않았습니다.",
            ),
            say(
                f"It was for {', '.join(contexts)}; such a file serves its own chip only.",
                f"{', '.join(contexts)}용으로만 컴파일되었고, 다른 칩에서는 쓸 수 없습니다.",
            ),
            f"ondol compile {bundle.name} --soc {soc.name}",
        )
    graphs = bundle.variant(GRAPHS)
    if graphs is None:
        raise DeviceUnavailable(
            say(
                f"{bundle.name} has no graphs for a neural processor.",
                f"{bundle.name}에 신경망 처리 장치용 그래프가 없습니다.",
            ),
            say("It was converted for other targets.", "다른 대상용으로 변환된 번들입니다."),
            say("Convert the model with --target npu.", "--target npu로 모델을 변환하세요."),
        )
    return check_size(bundle, graphs), soc


def check_size(bundle: Bundle, variant: Variant) -> Variant:
    """The variant, if the HTP can hold its weights.

    Raises:
        DeviceUnavailable: if they are too many bytes.
    """
    size = variant.needs.weight_bytes
    if size < MOST_BYTES:
        return variant
    raise DeviceUnavailable(
        say(
            f"{bundle.name} is too large for the HTP.",
            f"{bundle.name}은(는) HTP에 올리기에 너무 큽니다.",
        ),
        say(
            f"Its graphs have {size / 1e9:.1f} GB of weights; one context holds less than "
            f"{MOST_BYTES / 1e9:.1f} GB.",
            f"그래프의 가중치가 {size / 1e9:.1f} GB인데 컨텍스트 하나에는 "
            f"{MOST_BYTES / 1e9:.1f} GB 미만만 들어갑니다.",
        ),
        say(
            "Convert a smaller model, or cut its vocabulary: --vocabulary ko-en",
            "더 작은 모델을 변환하거나 어휘를 줄이세요: --vocabulary ko-en",
        ),
    )


def emulated() -> bool:
    """Whether the HTP is an emulator on this machine's processor."""
    return platform.machine().lower() in ("x86_64", "amd64")


def _where() -> str:
    if emulated():
        return say(
            "Emulator of the HTP on this processor, not run on silicon",
            "이 프로세서에서 도는 HTP 에뮬레이터이며, 실제 칩에서 실행한 것이 아님",
        )
    return say(
        "Ondol was run on the HTP's emulator only, not on silicon",
        "온돌은 HTP 에뮬레이터에서만 실행해 보았고 실제 칩에서는 실행하지 않음",
    )


def _version() -> str:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "?"


@cache
def _fault() -> str:
    """Why the plugin cannot be loaded, tried in another process; empty if it can."""
    from ondol_runtimes.qnn import check

    return fault(Path(check.__file__).read_text("utf-8"), seconds=SECONDS)
