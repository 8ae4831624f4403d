"""A graph of a bundle compiled by OpenVINO, with what it computes wrongly refused before."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ondol.bundle import Bundle
from ondol.errors import DeviceError, DeviceUnavailable
from ondol.language import say
from ondol.plan import Plan
from ondol.stateless import Port
from ondol_runtimes.openvino.door import openvino

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

DEVICE = "CPU"
LEVELS = 256  # of a FakeQuantize: more is a quantisation to 16 bits
EXACT = "f32"


class Compiled:
    """One graph on OpenVINO's CPU device, in float32 arithmetic.

    Raises:
        BundleError: of a `.ondol` file, whose weights OpenVINO cannot map.
        DeviceUnavailable: if it cannot read the graph, or computes it wrongly.
    """

    def __init__(self, bundle: Bundle, name: str, plan: Plan) -> None:
        ov = openvino()
        core = ov.Core()
        settings = {
            "INFERENCE_NUM_THREADS": plan.threads,
            "INFERENCE_PRECISION_HINT": EXACT,
            "KV_CACHE_PRECISION": EXACT,
        }
        path = str(bundle.file(name))
        try:
            model = core.read_model(path)
            check_quantisation(model, name)
            compiled = core.compile_model(model, DEVICE, settings)
        except RuntimeError as exc:  # the base of OpenVINO's errors
            raise unreadable(name, str(exc)) from exc
        self._request = compiled.create_infer_request()
        self.inputs = tuple(_port(port, port.get_any_name()) for port in compiled.inputs)
        self.outputs = tuple(_port(port, _output_name(port)) for port in compiled.outputs)

    def run(self, feeds: "Mapping[str, Array]") -> "dict[str, Array]":
        """Every output by name, the caller's own.

        Raises:
            DeviceError: with OpenVINO's reason.
        """
        try:
            self._request.infer(dict(feeds))
        except RuntimeError as exc:
            raise DeviceError(
                say("The device could not run the model.", "장치가 모델을 실행하지 못했습니다."),
                _told(str(exc)),
                say("Choose another device: ondol devices", "다른 장치를 고르세요: ondol devices"),
            ) from exc
        return {
            port.name: self._request.get_output_tensor(at).data.copy()
            for at, port in enumerate(self.outputs)
        }


def check_quantisation(model: Any, name: str) -> None:
    """Refuse a graph quantised to 16 bits.

    Measured with 2026.4.1: a softmax of a QDQ graph with 16-bit activations and 8-bit weights was
    off by 0.20 of 1, where 8-bit activations were off by 0.004.

    Raises:
        DeviceUnavailable: if it is one.
    """
    for node in model.get_ops():
        if node.get_type_name() != "FakeQuantize":
            continue
        if int(node.get_attributes()["levels"]) > LEVELS:
            raise _refused(
                name,
                say(
                    "It is quantised to 16 bits, which OpenVINO computes wrongly: 0.20 of 1 was "
                    "measured in a softmax (2026.4.1).",
                    "16비트로 양자화한 그래프인데 OpenVINO는 이를 틀리게 계산합니다. "
                    "소프트맥스에서 0.20의 오차를 쟀습니다(2026.4.1).",
                ),
            )


def unreadable(name: str, said: str) -> DeviceUnavailable:
    """The error for a graph that OpenVINO does not take."""
    return _refused(name, _told(said))


def _refused(name: str, why: str) -> DeviceUnavailable:
    return DeviceUnavailable(
        say(f"OpenVINO cannot run {name}.", f"OpenVINO로 {name}을(를) 실행할 수 없습니다."),
        why,
        say("Choose another device: ondol devices", "다른 장치를 고르세요: ondol devices"),
    )


def _told(said: str) -> str:
    """OpenVINO's own words without the places in its sources."""
    lines = [line.strip() for line in said.splitlines()]
    kept = [line for line in lines if line and not line.startswith(("Exception from", "Check '"))]
    return f"OpenVINO: {'; '.join(kept)}"[:400]


def _port(port: Any, name: str) -> Port:
    shape = tuple(
        None if size.is_dynamic else size.get_length() for size in port.get_partial_shape()
    )
    return Port(name, port.get_element_type().to_dtype().name, shape)


def _output_name(port: Any) -> str:
    """The name that the graph gives an output; a tensor may have several."""
    name: str = port.get_node().get_friendly_name()
    return name.partition("/sink_port")[0]
