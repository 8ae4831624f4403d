"""A decoder on ONNX Runtime: one cache for past and present, logits of the last position."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceUnavailable
from ondol.language import say
from ondol.manifest import (
    Variant,
)
from ondol.model_facts import ModelFacts
from ondol.plan import Plan
from ondol.runtime import DecoderSession
from ondol_runtimes._bound import Bound, load, session_options
from ondol_runtimes._onnxruntime import ort
from ondol_runtimes._pages import drop_mapped
from ondol_runtimes._stages import Stages

if TYPE_CHECKING:
    from ondol.runtime import Logits


INT8_CACHE_FROM = (1, 27)
DROP_EVERY = 128  # tokens whose lookups may leave pages of the embedding table mapped


class OrtDecoder(DecoderSession):
    """A decoder graph whose past and present keys and values are the same memory."""

    def __init__(
        self, bundle: Bundle, variant: Variant, plan: Plan, providers: Sequence[str]
    ) -> None:
        model = bundle.decoder
        _check_version(model, bundle.name)
        super().__init__(context=plan.context, vocabulary=model.vocabulary)
        shape = (1, model.kv_heads, plan.context, model.head_dim)
        # Untouched zeros cost no memory: pages come as the conversation grows
        self._cache = {
            f"{i}.{part}": np.zeros(shape, model.cache)
            for i in range(model.layers)
            for part in ("key", "value")
        }
        self._weights = bundle.holder("weights.bin")
        self._looked_up = 0
        self._mask = np.ones((1, plan.context), np.int64)
        self._logits = np.empty((1, 1, model.vocabulary), np.float32)
        self._last: Logits = self._logits.reshape(model.vocabulary)
        self._stages = Stages(bundle, variant, plan, providers, self._cache, self._mask)
        session = load(bundle, variant.graph, session_options(plan), providers)
        _check_facts(session, model, bundle.name)
        self._decode = Bound(session, self._cache, self._mask)
        self._only_last()

    def _only_last(self) -> None:
        self._decode.input("logits_from", np.full(1, -1, np.int64))
        self._decode.output("logits", self._logits)

    def _append(self, ids: Sequence[int]) -> "Logits":
        done = self._stages.fill(ids, self._length)
        rest = np.array([ids[done:]], np.int64)
        self._decode.run(rest, self._length + done, rest.shape[1])
        self._looked_up += rest.shape[1]
        if self._looked_up >= DROP_EVERY:
            self._looked_up = 0
            drop_mapped(self._weights)
        return self._last

    def _append_all(self, ids: Sequence[int]) -> "Logits":
        rows = np.empty((1, len(ids), self.vocabulary), np.float32)
        every = np.zeros(1, np.int64)
        self._decode.input("logits_from", every)
        self._decode.output("logits", rows)
        try:
            self._decode.run(np.array([ids], np.int64), self._length, len(ids))
        finally:
            self._only_last()
        return rows.reshape(len(ids), self.vocabulary)

    def _close(self) -> None:
        del self._decode, self._stages, self._cache


def _check_version(model: ModelFacts, name: str) -> None:
    """Before 1.27 ONNX Runtime ends in an error of its own where a cache is int8."""
    found = tuple(int(part) for part in ort.__version__.split(".")[:2])
    if model.cache == "int8" and found < INT8_CACHE_FROM:
        raise DeviceUnavailable(
            say(
                f"{name} needs a newer ONNX Runtime.",
                f"{name}에는 더 새로운 ONNX Runtime이 필요합니다.",
            ),
            say(
                f"It keeps keys and values in 8 bits, which {ort.__version__} cannot.",
                f"키와 값을 8비트로 담는데, {ort.__version__} 판은 그렇게 하지 못합니다.",
            ),
            'pip install --upgrade "onnxruntime>=1.27"',
        )


def _check_facts(session: "ort.InferenceSession", model: ModelFacts, name: str) -> None:
    """Compare what the manifest says of a decoder with its graph, before memory is bound."""
    shapes = {value.name: value.shape for value in [*session.get_inputs(), *session.get_outputs()]}
    cache = {name for name in shapes if name.startswith("past_key_values.")}
    wanted = {
        f"past_key_values.{i}.{part}" for i in range(model.layers) for part in ("key", "value")
    }
    types = {value.name: value.type for value in session.get_inputs()}
    sizes = {
        (shapes[name][1], shapes[name][3], types[name]) for name in cache if len(shapes[name]) == 4
    }
    held = "tensor(int8)" if model.cache == "int8" else "tensor(float)"
    logits = shapes.get("logits") or [None]
    if (
        cache != wanted
        or sizes != {(model.kv_heads, model.head_dim, held)}
        or logits[-1] != model.vocabulary
    ):
        raise CorruptBundle(
            say(
                f"{name}: the manifest and the graph are of different models.",
                f"{name}: 목록 파일과 그래프가 서로 다른 모델의 것입니다.",
            ),
            f"{len(cache) // 2} × {sorted(map(str, sizes))}, {logits[-1]} ≠ "
            f"{model.layers} × {(model.kv_heads, model.head_dim, held)}, {model.vocabulary}",
            say("Convert the model again.", "모델을 다시 변환하세요."),
        )


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
