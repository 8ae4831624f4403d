"""A decoder on ONNX Runtime: one cache for past and present, logits of the last position."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, DeviceUnavailable
from ondol.language import say
from ondol.manifest import Variant
from ondol.model_facts import ModelFacts
from ondol.plan import Plan, passes
from ondol.runtime import DecoderSession
from ondol.stateless import Port
from ondol_runtimes._bound import Bound, load
from ondol_runtimes._inference import Inference, Settings
from ondol_runtimes._pages import drop_mapped, zeros
from ondol_runtimes._stages import Stages

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol.runtime import Logits
    from ondol.snapshot import Memory
    from ondol_runtimes._inference import Array


INT8_CACHE_FROM = (1, 27)
DROP_EVERY = 128  # tokens whose lookups may leave pages of the embedding table mapped


class Ports(Protocol):
    """What is known of a graph's inputs and outputs."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


class Decoding(Protocol):
    """What a decoder runs: one bound graph, or several in turn."""

    def input(self, name: str, value: "Array") -> None:
        """Bind an input to memory that the caller may go on changing."""

    def output(self, name: str, value: "Array") -> None:
        """Bind an output to memory that is written by every run."""

    def run(self, ids: "NDArray[np.int64]", before: int, count: int) -> None:
        """Run `count` tokens [1, count] after `before` positions that the cache holds."""


class OrtDecoder(DecoderSession):
    """A decoder graph whose past and present keys and values are the same memory."""

    def __init__(self, inference: Inference, bundle: Bundle, variant: Variant, plan: Plan) -> None:
        model = bundle.decoder
        _check_version(inference, model, bundle.name)
        super().__init__(context=plan.context, vocabulary=model.vocabulary)
        shape = (1, model.kv_heads, plan.context, model.head_dim)
        # Untouched zeros cost no memory: pages come as the conversation grows
        self._cache = {
            f"{i}.{part}": zeros(shape, model.cache)
            for i in range(model.layers)
            for part in ("key", "value")
        }
        self._weights = bundle.holder("weights.bin")
        self._looked_up = 0
        self._batch = plan.batch
        self._mask = np.ones((1, plan.context), np.int64)
        self._logits = np.empty((1, 1, model.vocabulary), np.float32)
        self._last: Logits = self._logits.reshape(model.vocabulary)
        self._one = np.empty((1, 1), np.int64)  # stays bound from token to token
        self._stages = Stages(inference, bundle, variant, plan, self._cache, self._mask)
        self._decode = self._opened(inference, bundle, variant, plan)
        self._only_last()

    def _opened(
        self, inference: Inference, bundle: Bundle, variant: Variant, plan: Plan
    ) -> Decoding:
        """The graph, bound to the cache."""
        graph = load(inference, bundle, variant.graph, Settings(plan.threads, plan.spin))
        check_facts(graph, bundle.decoder, bundle.name)
        self.placement = graph.placement
        return Bound(inference, graph, self._cache, self._mask)

    def _only_last(self) -> None:
        self._decode.input("logits_from", np.full(1, -1, np.int64))
        self._decode.output("logits", self._logits)

    def _append(self, ids: Sequence[int]) -> "Logits":
        done = self._stages.fill(ids, self._length)
        for start, stop in passes(done, len(ids), self._batch):
            count = stop - start
            if count == 1:
                self._one[0, 0] = ids[start]
                self._decode.run(self._one, self._length + start, 1)
            else:
                self._decode.run(np.array([ids[start:stop]], np.int64), self._length + start, count)
            self._looked_up += count
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

    def _cached(self, length: int) -> "Memory":
        return self._cache

    def _close(self) -> None:
        del self._decode, self._stages, self._cache


def _check_version(inference: Inference, model: ModelFacts, name: str) -> None:
    """Before 1.27 ONNX Runtime ends in an error of its own where a cache is int8."""
    found = tuple(int(part) for part in inference.version.split(".")[:2])
    if model.cache == "int8" and found < INT8_CACHE_FROM:
        raise DeviceUnavailable(
            say(
                f"{name} needs a newer ONNX Runtime.",
                f"{name}에는 더 새로운 ONNX Runtime이 필요합니다.",
            ),
            say(
                f"It keeps keys and values in 8 bits, which {inference.version} cannot.",
                f"키와 값을 8비트로 담는데, {inference.version} 판은 그렇게 하지 못합니다.",
            ),
            inference.upgrade(".".join(map(str, INT8_CACHE_FROM))),
        )


def check_facts(graph: Ports, model: ModelFacts, name: str) -> None:
    """Compare what the manifest says of a decoder with its graph, before memory is bound."""
    past = {port for port in graph.inputs if port.name.startswith("past_key_values.")}
    wanted = {
        f"past_key_values.{i}.{part}" for i in range(model.layers) for part in ("key", "value")
    }
    sizes = {(port.shape[1], port.shape[3], port.dtype) for port in past if len(port.shape) == 4}
    logits = next((port.shape[-1] for port in graph.outputs if port.name == "logits"), None)
    if (
        {port.name for port in past} != wanted
        or sizes != {(model.kv_heads, model.head_dim, model.cache)}
        or logits != model.vocabulary
    ):
        raise CorruptBundle(
            say(
                f"{name}: the manifest and the graph are of different models.",
                f"{name}: 목록 파일과 그래프가 서로 다른 모델의 것입니다.",
            ),
            f"{len(past) // 2} × {sorted(map(str, sizes))}, {logits} ≠ "
            f"{model.layers} × {(model.kv_heads, model.head_dim, model.cache)}, {model.vocabulary}",
            say("Convert the model again.", "모델을 다시 변환하세요."),
        )
