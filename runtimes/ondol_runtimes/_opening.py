"""Opening a bundle on a build of ONNX Runtime, its weights hashed meanwhile."""

import os
import platform
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from ondol.bundle import Bundle
from ondol.device import Device
from ondol.errors import CorruptBundle
from ondol.language import say
from ondol.manifest import Variant
from ondol.plan import Plan, usable_cores
from ondol.runtime import DecoderSession
from ondol.stateless import Session
from ondol_runtimes._inference import Inference

if TYPE_CHECKING:
    from ondol_runtimes._ort import OrtDecoder

Opened = TypeVar("Opened", DecoderSession, Session)


def open_decoder(
    inference: Inference,
    bundle: Bundle,
    plan: Plan,
    at_work: threading.Event,
    kind: "type[OrtDecoder] | None" = None,
) -> DecoderSession:
    """The bundle's decoder for the processor; errors as of `Runtime.open`."""
    from ondol_runtimes._ort import OrtDecoder

    variant = _variant(bundle)

    def make() -> DecoderSession:
        at_work.set()
        return (kind or OrtDecoder)(inference, bundle, variant, plan)

    return _proven(bundle, variant, make)


def open_graph(inference: Inference, bundle: Bundle, plan: Plan, graph: str | None) -> Session:
    """One graph of the bundle for the processor; errors as of `Runtime.open_graph`."""
    from ondol_runtimes._graph import OrtGraph

    variant = _variant(bundle)
    return _proven(
        bundle, variant, lambda: OrtGraph(inference, bundle, graph or variant.graph, plan)
    )


def processor(name: str, software: str) -> Device:
    """This machine's processor, as a device of that name."""
    memory = (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    )
    return Device(
        name,
        platform.processor() or platform.machine(),
        cores=usable_cores(),
        memory_bytes=memory,
        precisions=("float32", "float16", "bfloat16", "int8", "int4"),
        software=software,
    )


def proven(bundle: Bundle, make: Callable[[str], Opened]) -> Opened:
    """What `make` opens of the processor's graph, the bundle hashed meanwhile."""
    variant = _variant(bundle)
    return _proven(bundle, variant, lambda: make(variant.graph))


def _proven(bundle: Bundle, variant: Variant, make: Callable[[], Opened]) -> Opened:
    # The graphs are parsed, so they are proven first; the weights are only numbers
    bundle.verify([variant.graph, *variant.prefill])
    verified = Verified(bundle)
    session = make()
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


class Verified:
    """Hashes the large files of a bundle in a thread while a session loads them."""

    def __init__(self, bundle: Bundle) -> None:
        self._error: BaseException | None = None
        self._bundle = bundle
        self._thread = threading.Thread(target=self._work, name="ondol-verify", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            self._bundle.verify()
        except BaseException as exc:  # handed to whoever waits
            self._error = exc

    def wait(self) -> None:
        """Block until all is hashed.

        Raises:
            CorruptBundle: if a file was not what was packed.
        """
        self._thread.join()
        if self._error is not None:
            raise self._error
