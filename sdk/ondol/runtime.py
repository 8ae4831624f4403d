"""The contract between Ondol and a device: two methods to write for each of two classes.

A device is a `Runtime`: `_probe()` says whether it can be used here, `_open()` opens a decoder.
What it opens is a `DecoderSession`: `_append()` runs tokens through the model, and the
KV cache is the session's own. Public methods check their arguments and the session's state;
methods with an underscore are the device's and may trust what they are handed.

A device that can run any graph, such as an encoder's, overrides `_open_graph()` too: what that
opens is an `ondol.stateless.Session`, of which `_run()` is to be written.
"""

import threading
from abc import ABC, abstractmethod
from functools import cached_property, partial
from typing import TYPE_CHECKING, ClassVar

from ondol import policy
from ondol.decoding import DecoderSession as DecoderSession
from ondol.device import Report, Silicon, State
from ondol.device_faults import decoders_only, lacking, no_graph
from ondol.errors import DeviceUnavailable, UnsupportedOperators
from ondol.language import say
from ondol.model_facts import ModelFacts
from ondol.stateless import Session
from ondol.timely import within

if TYPE_CHECKING:
    from ondol.bundle import Bundle
    from ondol.decoding import Logits as Logits
    from ondol.plan import Plan


class Runtime(ABC):
    """A device by name. `probe()` never raises; `open()` gives a session or a named error."""

    name: str
    silicon: ClassVar[Silicon] = Silicon.NO
    about: ClassVar[tuple[str, str]] = ("", "")
    """What the device is, in English and in Korean, as the table of devices says it."""
    target: ClassVar[str] = "cpu"
    """The variant of a bundle that the device opens; "" for one that needs no graph."""
    opens: ClassVar[bool] = True
    """False of a device that is looked for only: no bundle can be opened on it anywhere."""
    open_seconds: ClassVar[float | None] = None
    """How long opening a bundle may take; None: as long as it does, where nothing can hang."""

    @cached_property
    def at_work(self) -> threading.Event:
        """Set once `open()` needs the interpreter no more, or is done.

        A device sets it where its native code takes over, so that others can load meanwhile.
        """
        return threading.Event()

    def probe(self) -> Report:
        """Whether this device can be used here, why not, and what would fix it."""
        try:
            return self._probe()
        except Exception as exc:  # a vendor's package may fail in any way; the report says how
            return Report(
                self.name,
                State.MISSING_SOFTWARE,
                say(
                    f"Probing failed: {type(exc).__name__}: {exc}",
                    f"확인에 실패했습니다: {type(exc).__name__}: {exc}",
                ),
                silicon=self.silicon,
            )

    def open(self, bundle: "Bundle", plan: "Plan") -> DecoderSession:
        """Open a decoder bundle under a plan.

        Raises:
            WrongKind: if the bundle's model is no decoder.
            PolicyForbids: if this machine's policy does not allow the bundle, or the device.
            DeviceUnavailable: with the probe's reason and fix.
            UnsupportedOperators: if the bundle's graphs need some that the device lacks.
            DeviceTimeout: if the device gives no answer in `open_seconds`.
            CorruptBundle: if a file does not match the manifest.
        """
        try:
            return self._checked_open(bundle, plan)
        finally:
            self.at_work.set()

    def open_graph(self, bundle: "Bundle", plan: "Plan", graph: str | None = None) -> Session:
        """Open one graph of a bundle without any state, such as an encoder's.

        Args:
            bundle: what holds it.
            plan: its threads; the context means nothing here.
            graph: the graph's file; None: the variant's own.

        Raises:
            PolicyForbids: if this machine's policy does not allow the bundle, or the device.
            DeviceUnavailable: with the probe's reason, or because it runs decoders only.
            UnsupportedOperators: if the bundle's graphs need some that the device lacks.
            CorruptBundle: if a file does not match the manifest.
        """
        policy.check(bundle)
        policy.check_device(self.name)
        self._require(bundle)
        opening = partial(self._open_graph, bundle, plan, graph)
        return within(self.open_seconds, opening, self.name)

    def refusal(self, bundle: "Bundle") -> tuple[str, str]:
        """Why a bundle cannot run here and what would help, from its manifest; empty if it may.

        Nothing is probed, loaded or verified.
        """
        if self.target and bundle.variant(self.target) is None:
            return no_graph(bundle.name, self.target)
        decodes = isinstance(bundle.manifest.model, ModelFacts)
        if not decodes and type(self)._open_graph is Runtime._open_graph:
            return decoders_only()
        return "", ""

    def _checked_open(self, bundle: "Bundle", plan: "Plan") -> DecoderSession:
        _ = bundle.decoder  # before the device is asked for anything
        policy.check(bundle)
        policy.check_device(self.name)
        self._require(bundle)
        try:
            return within(self.open_seconds, partial(self._open, bundle, plan), self.name)
        except MemoryError as exc:
            raise DeviceUnavailable(
                say(
                    f"{bundle.name} does not fit in the memory of {self.name}.",
                    f"{bundle.name}이(가) {self.name} 장치의 메모리에 들어가지 않습니다.",
                ),
                say(
                    f"The cache was to hold {plan.context} tokens.",
                    f"문맥 길이는 {plan.context}토큰입니다.",
                ),
                say("Open it with a smaller context.", "문맥 길이를 줄여서 여세요."),
            ) from exc

    def _require(self, bundle: "Bundle") -> None:
        report = self.probe()
        if not report.available:
            raise DeviceUnavailable(
                say(
                    f"The device {self.name} cannot be used here.",
                    f"{self.name} 장치를 여기서 쓸 수 없습니다.",
                ),
                report.reason,
                report.fix,
            )
        reason, fix = lacking(bundle, self.target, report.device)
        if reason:
            raise UnsupportedOperators(self._cannot_run(bundle), reason, fix)

    def _cannot_run(self, bundle: "Bundle") -> str:
        return say(
            f"The device {self.name} cannot run {bundle.name}.",
            f"{self.name} 장치로는 {bundle.name}을(를) 실행할 수 없습니다.",
        )

    @abstractmethod
    def _probe(self) -> Report:
        """The report; may raise anything, `probe()` turns that into a report."""

    @abstractmethod
    def _open(self, bundle: "Bundle", plan: "Plan") -> DecoderSession:
        """A session on this device; only called when the probe said available."""

    def _open_graph(self, bundle: "Bundle", plan: "Plan", graph: str | None) -> Session:
        """A stateless session; a device that cannot says so."""
        raise DeviceUnavailable(self._cannot_run(bundle), *decoders_only())
