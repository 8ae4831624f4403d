"""A graph without a state on ONNX Runtime, such as an encoder's."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceError
from ondol.language import say
from ondol.plan import Plan
from ondol.stateless import Port, Session
from ondol_runtimes._bound import load, session_options
from ondol_runtimes._onnxruntime import ort

if TYPE_CHECKING:
    from ondol.stateless import Arrays

DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(bool)": "bool",
}
"""ONNX Runtime's names of types and numpy's."""


class OrtGraph(Session):
    """One graph file, opened as it is."""

    def __init__(self, bundle: Bundle, name: str, plan: Plan, providers: Sequence[str]) -> None:
        self._session = load(bundle, name, session_options(plan), providers)
        super().__init__(
            [_port(value, name) for value in self._session.get_inputs()],
            [_port(value, name) for value in self._session.get_outputs()],
        )
        self._names = [port.name for port in self.outputs]

    def _run(self, feeds: "Arrays") -> "Arrays":
        try:
            made: Sequence[Any] = self._session.run(self._names, dict(feeds))
        except Exception as exc:  # its errors share no base class
            raise DeviceError(
                say("The device could not run the model.", "장치가 모델을 실행하지 못했습니다."),
                f"ONNX Runtime {ort.__version__}: {str(exc)[:400]}",
                say(
                    "Shorten the input, or verify the bundle: ondol verify",
                    "입력을 줄이거나 번들을 검사하세요: ondol verify",
                ),
            ) from exc
        return dict(zip(self._names, made, strict=True))

    def _close(self) -> None:
        del self._session


def _port(value: "ort.NodeArg", name: str) -> Port:
    if value.type not in DTYPES:
        raise CorruptBundle(
            say(f"{name} cannot be loaded.", f"{name}을(를) 불러올 수 없습니다."),
            f"{value.name}: {value.type}",
            say("Convert the model again.", "모델을 다시 변환하세요."),
        )
    sizes = (size if isinstance(size, int) else None for size in value.shape)
    return Port(value.name, DTYPES[value.type], tuple(sizes))
