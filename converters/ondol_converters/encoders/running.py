"""A graph in a file on the CPU: what a conversion compares before there is a bundle of it."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ondol.plan import usable_cores
from ondol.stateless import Port, Session
from ondol_converters.onnxruntime_door import onnxruntime

if TYPE_CHECKING:
    from ondol.stateless import Arrays

DTYPES = {"tensor(float)": "float32", "tensor(int32)": "int32", "tensor(int64)": "int64"}


class FileGraph(Session):
    """One ONNX file, its weights beside it."""

    def __init__(self, path: Path) -> None:
        ort = onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = usable_cores()
        options.log_severity_level = 4
        self._session: Any = ort.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
        super().__init__(
            *(
                [Port(each.name, DTYPES[each.type], tuple(each.shape)) for each in ports]
                for ports in (self._session.get_inputs(), self._session.get_outputs())
            )
        )

    def _run(self, feeds: "Arrays") -> "Arrays":
        names = [port.name for port in self.outputs]
        return dict(zip(names, self._session.run(names, dict(feeds)), strict=True))

    def _close(self) -> None:
        del self._session
