"""One graph on the HTP of a chip: every node there, or an error that names those that are not."""

from typing import TYPE_CHECKING, Any

from ondol.bundle import Bundle
from ondol.errors import BundleError, CorruptBundle, DeviceError, UnsupportedOperators
from ondol.language import say
from ondol.stateless import Session
from ondol_runtimes._inference import port
from ondol_runtimes._onnxruntime import ort
from ondol_runtimes._package import DTYPES, load, placed
from ondol_runtimes.qnn.check import NAME
from ondol_runtimes.qnn.plugin import hushed, options
from ondol_runtimes.qnn.soc import Soc

if TYPE_CHECKING:
    from ondol.stateless import Arrays

REFUSED = "fallback to CPU EP has been explicitly disabled"
"""What ONNX Runtime says where a strict session has nodes that the plugin leaves to the CPU."""

SHOWN = 8  # nodes that a message names


class HtpGraph(Session):
    """A graph of a bundle, compiled for the chip when it is opened, or before as an EPContext.

    `placement` says that the HTP runs every node of the file.
    """

    def __init__(self, bundle: Bundle, name: str, soc: Soc) -> None:
        """Args: an opened bundle, a graph's file of it, the chip.

        Raises:
            UnsupportedOperators: naming the nodes that the HTP does not take.
            CorruptBundle: if the file cannot be loaded, in the plugin's words.
        """
        self._session = _opened(bundle, name, soc)
        self.placement = placed(self._session)
        super().__init__(
            [_port(value) for value in self._session.get_inputs()],
            [_port(value) for value in self._session.get_outputs()],
        )

    def _run(self, feeds: "Arrays") -> "Arrays":
        names = [port.name for port in self.outputs]
        try:
            made: Any = self._session.run(names, dict(feeds))
        except Exception as exc:  # its errors share no base class
            raise DeviceError(
                say("The HTP could not run the model.", "HTP가 모델을 실행하지 못했습니다."),
                _said(exc),
                say("Verify the bundle: ondol verify", "번들을 검사하세요: ondol verify"),
            ) from exc
        return dict(zip(names, made, strict=True))

    def _close(self) -> None:
        del self._session


def _opened(bundle: Bundle, name: str, soc: Soc) -> "ort.InferenceSession":
    with hushed():
        try:
            return load(bundle, name, options(soc), ())
        except (BundleError, MemoryError):
            raise
        except Exception as exc:  # its errors share no base class
            failed = exc
    raise refused(bundle, name, soc, failed) from failed


def refused(bundle: Bundle, name: str, soc: Soc, failed: Exception) -> BundleError | DeviceError:
    """The error for a graph that a strict session does not take, from the plugin's own."""
    if REFUSED in str(failed):
        with hushed():
            lenient = load(bundle, name, options(soc, strict=False), ())
        return _unsupported(name, soc, elsewhere(lenient))
    return CorruptBundle(
        say(f"{name} cannot be loaded.", f"{name}을(를) 불러올 수 없습니다."),
        _said(failed),
        say(
            "Verify the bundle, or compile it again: ondol compile",
            "번들을 검사하거나 다시 컴파일하세요: ondol compile",
        ),
    )


def elsewhere(session: "ort.InferenceSession") -> tuple[str, ...]:
    """The nodes that a session leaves to others than the HTP, each as `name (operator)`."""
    return tuple(
        f"{each.node} ({each.operator})" for each in placed(session) if each.device != NAME
    )


def _unsupported(name: str, soc: Soc, nodes: tuple[str, ...]) -> UnsupportedOperators:
    more = f", … ({len(nodes)})" if len(nodes) > SHOWN else ""
    return UnsupportedOperators(
        say(
            f"The HTP of {soc.name} does not take every node of {name}.",
            f"{soc.name}의 HTP가 {name}의 모든 노드를 실행하지는 못합니다.",
        ),
        say("It leaves: ", "남는 노드: ") + ", ".join(nodes[:SHOWN]) + more,
        say(
            "Nothing is moved to the CPU in silence. Convert with --target npu, or choose "
            "another device: ondol devices",
            "말없이 CPU로 옮기지 않습니다. --target npu로 변환하거나 다른 장치를 고르세요: "
            "ondol devices",
        ),
    )


def _said(exc: Exception) -> str:
    return f"onnxruntime-qnn: {' '.join(str(exc).split())[:400]}"


def _port(value: "ort.NodeArg") -> Any:
    return port(value.name, DTYPES.get(value.type), value.type, value.shape)
