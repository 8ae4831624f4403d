"""What every device on ONNX Runtime shares: options, sessions, the decode loop on I/O binding."""

import functools
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceError
from ondol.language import say
from ondol.manifest import ModelFacts, Variant
from ondol.plan import Plan
from ondol.runtime import DecoderSession
from ondol_runtimes._onnxruntime import ort
from ondol_runtimes._pages import drop_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol.runtime import Logits

PREFILL_FROM = 48  # tokens from which expanding every matrix pays
PREFILL_CHUNK = 512  # tokens a pass; more would only grow the scratch memory
FATAL = 4


@functools.cache
def _share_arena() -> None:
    """Give every session of this process one arena for scratch memory, grown as asked for.

    Sessions of their own would each keep the largest expansion they ever made.
    """
    where = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    same_as_requested = 1
    ort.create_and_register_allocator(
        where, ort.OrtArenaCfg({"arena_extend_strategy": same_as_requested})
    )


def session_options(plan: Plan) -> "ort.SessionOptions":
    """Options for one session under a plan."""
    _share_arena()
    options = ort.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.intra_op_num_threads = plan.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = FATAL  # errors come as exceptions; nothing is printed
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(plan.spin)))
    options.enable_mem_pattern = False  # prompts differ in length; a pattern is a second arena
    options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
    return options


def load(
    path: Path, options: "ort.SessionOptions", providers: Sequence[str]
) -> "ort.InferenceSession":
    """An inference session from a graph file.

    Raises:
        CorruptBundle: if ONNX Runtime cannot read it, with its reason.
    """
    try:
        return ort.InferenceSession(str(path), options, providers=list(providers))
    except Exception as exc:  # its errors share no base class
        raise CorruptBundle(
            say(f"{path.name} cannot be loaded.", f"{path.name}을(를) 불러올 수 없습니다."),
            f"ONNX Runtime {ort.__version__}: {str(exc)[:400]}",
            say("Verify the bundle: ondol verify", "번들 검사: ondol verify"),
        ) from exc


class OrtDecoder(DecoderSession):
    """A decoder graph whose past and present keys and values are the same memory."""

    def __init__(
        self, bundle: Bundle, variant: Variant, plan: Plan, providers: Sequence[str]
    ) -> None:
        model = bundle.manifest.model
        super().__init__(context=plan.context, vocabulary=model.vocabulary)
        self._plan = plan
        self._providers = providers
        self._stage_paths = [bundle.file(name) for name in variant.prefill]
        self._stages: list[_Bound] = []
        self._weights = bundle.path / "weights.bin"
        shape = (1, model.kv_heads, plan.context, model.head_dim)
        # Untouched zeros cost no memory: pages come as the conversation grows
        self._cache = {
            f"{i}.{part}": np.zeros(shape, np.float32)
            for i in range(model.layers)
            for part in ("key", "value")
        }
        self._mask = np.ones((1, plan.context), np.int64)
        self._logits = np.empty((1, 1, model.vocabulary), np.float32)
        self._last: Logits = self._logits.reshape(model.vocabulary)
        session = self._load(bundle.file(variant.graph))
        _check_facts(session, model, bundle.name)
        self._decode = _Bound(session, self._cache, self._mask)
        self._decode.output("logits", self._logits)

    def _load(self, path: Path) -> "ort.InferenceSession":
        return load(path, session_options(self._plan), self._providers)

    def _append(self, ids: Sequence[int]) -> "Logits":
        done = self._fill(ids)
        rest = np.array([ids[done:]], np.int64)
        self._decode.run(rest, self._length + done, rest.shape[1])
        return self._last

    def _fill(self, ids: Sequence[int]) -> int:
        """Run all but the last token through the prefill stages, if that is faster here."""
        if self._plan.integer_prefill or not self._stage_paths or len(ids) < PREFILL_FROM:
            return 0
        if not self._stages:
            self._stages = [
                _Bound(self._load(path), self._cache, self._mask) for path in self._stage_paths
            ]
        most = len(ids) - 1
        for start in range(0, most, PREFILL_CHUNK):
            part = ids[start : min(start + PREFILL_CHUNK, most)]
            self._run_stages(np.array([part], np.int64), self._length + start)
        return most

    def _run_stages(self, ids: "NDArray[np.int64]", before: int) -> None:
        first, last = self._stages[0], self._stages[-1]
        flow: list[NDArray[np.float32]] = []
        for stage in self._stages:
            if stage is not first:
                stage.input("x_in", flow[0])
                stage.input("normed_in", flow[1])
            if stage is not last:
                width = stage.width("x")
                flow = [np.empty((*ids.shape, width), np.float32) for _ in range(2)]
                stage.output("x", flow[0])
                stage.output("normed", flow[1])
            stage.run(ids if stage is first else None, before, ids.shape[1])
            stage.forget("x_in", "normed_in", "x", "normed")
            drop_mapped(self._weights)

    def _append_all(self, ids: Sequence[int]) -> "Logits":
        rows = np.empty((1, len(ids), self.vocabulary), np.float32)
        every = np.zeros(1, np.int64)
        self._decode.input("logits_from", every)
        self._decode.output("logits", rows)
        try:
            self._decode.run(np.array([ids], np.int64), self._length, len(ids))
        finally:
            self._decode.input("logits_from", np.full(1, -1, np.int64))
            self._decode.output("logits", self._logits)
        return rows.reshape(len(ids), self.vocabulary)

    def _close(self) -> None:
        del self._decode
        self._stages = []
        self._cache = {}


def _check_facts(session: "ort.InferenceSession", model: ModelFacts, name: str) -> None:
    """Compare what the manifest says of a decoder with its graph, before memory is bound."""
    shapes = {value.name: value.shape for value in session.get_inputs() + session.get_outputs()}
    cache = {name for name in shapes if name.startswith("past_key_values.")}
    wanted = {
        f"past_key_values.{i}.{part}" for i in range(model.layers) for part in ("key", "value")
    }
    sizes = {(shapes[name][1], shapes[name][3]) for name in cache if len(shapes[name]) == 4}
    logits = shapes.get("logits") or [None]
    if (
        cache != wanted
        or sizes != {(model.kv_heads, model.head_dim)}
        or logits[-1] != model.vocabulary
    ):
        raise CorruptBundle(
            say(
                f"{name}: the manifest and the graph are of different models.",
                f"{name}: 목록 파일과 그래프가 서로 다른 모델의 것입니다.",
            ),
            f"{len(cache) // 2} × {sorted(map(str, sizes))}, {logits[-1]} ≠ "
            f"{model.layers} × {(model.kv_heads, model.head_dim)}, {model.vocabulary}",
            say("Convert the model again.", "모델을 다시 변환하세요."),
        )


class _Bound:
    """A session with its cache bound once; a run binds only the tokens and the mask."""

    def __init__(
        self,
        session: "ort.InferenceSession",
        cache: "dict[str, NDArray[np.float32]]",
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
