"""ONNX Runtime sessions as Ondol uses them: loaded with named errors, run on bound memory."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceError
from ondol.language import say
from ondol.plan import Plan
from ondol_runtimes._onnxruntime import ort
from ondol_runtimes._packed import in_one_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Cache = dict[str, NDArray[np.float32]] | dict[str, NDArray[np.int8]]

FATAL = 4
WEIGHTS_FOLDER = "session.model_external_initializers_file_folder_path"


def session_options(plan: Plan) -> "ort.SessionOptions":
    """Options for one session under a plan."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = plan.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL  # errors come as exceptions; nothing is printed
    options.enable_mem_pattern = False  # prompts differ in length; a pattern is a second arena
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(plan.spin)))
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
    return options


def load(
    bundle: Bundle, name: str, options: "ort.SessionOptions", providers: Sequence[str]
) -> "ort.InferenceSession":
    """An inference session from one of a bundle's graphs; weights are mapped where they lie.

    Raises:
        CorruptBundle: if ONNX Runtime cannot read it, with its reason.
    """
    graph: str | bytes
    if bundle.packed is None:
        graph = str(bundle.file(name))
    else:
        graph = in_one_file(bundle, name)
        folder = str(bundle.path.resolve().parent)
        options.add_session_config_entry(WEIGHTS_FOLDER, folder)
    try:
        # without its fallback, which prints and tries the same again
        return ort.InferenceSession(graph, options, providers=list(providers), enable_fallback=0)
    except Exception as exc:  # its errors share no base class
        raise CorruptBundle(
            say(f"{name} cannot be loaded.", f"{name}을(를) 불러올 수 없습니다."),
            f"ONNX Runtime {ort.__version__}: {str(exc)[:400]}",
            say("Verify the bundle: ondol verify", "번들 검사: ondol verify"),
        ) from exc


class Bound:
    """A session with its cache bound once; a run binds only the tokens and the mask."""

    def __init__(
        self,
        session: "ort.InferenceSession",
        cache: "Cache",
        mask: "NDArray[np.int64]",
    ) -> None:
        self._session = session
        self._binding = session.io_binding()
        self._mask = mask
        self._held: dict[str, NDArray[np.generic]] = {}  # what is bound must stay alive
        inputs = {value.name for value in session.get_inputs()}
        for name, memory in cache.items():
            if f"past_key_values.{name}" in inputs:  # a stage has only its own layers
                self.input(f"past_key_values.{name}", memory)
                self.output(f"present.{name}", memory)

    def width(self, output: str) -> int:
        """The last dimension of an output, in elements."""
        return int(next(o.shape[-1] for o in self._session.get_outputs() if o.name == output))

    def forget(self, *names: str) -> None:
        """Let go of memory that the next run will not use."""
        for name in names:
            self._held.pop(name, None)

    def input(self, name: str, value: "NDArray[np.generic]") -> None:
        """Bind an input to memory that the caller may go on changing."""
        self._held[name] = value
        self._binding.bind_input(name, "cpu", 0, value.dtype, value.shape, value.ctypes.data)

    def output(self, name: str, value: "NDArray[np.generic]") -> None:
        """Bind an output to memory that is written by every run."""
        self._held[name] = value
        self._binding.bind_output(name, "cpu", 0, value.dtype, value.shape, value.ctypes.data)

    def run(self, ids: "NDArray[np.int64] | None", before: int, count: int) -> None:
        """Run `count` tokens [1, count] after `before` positions that the cache holds."""
        if ids is not None:
            self.input("input_ids", ids)
        shape, start = (1, before + count), self._mask.ctypes.data
        self._binding.bind_input("attention_mask", "cpu", 0, np.int64, shape, start)
        try:
            self._session.run_with_iobinding(self._binding)
        except Exception as exc:  # its errors share no base class
            raise DeviceError(
                say("The device could not run the model.", "장치가 모델을 실행하지 못했습니다."),
                f"ONNX Runtime {ort.__version__}: {str(exc)[:400]}",
                say(
                    "Free some memory, or verify the bundle: ondol verify",
                    "메모리를 비우거나 번들을 검사하세요: ondol verify",
                ),
            ) from exc
