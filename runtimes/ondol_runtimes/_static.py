"""A decoder on graphs of fixed shapes: prompts in buckets, a cache of fixed length, one step.

The graphs are those of `ondol_converters.graph.static`, whose docstring names their inputs and
outputs; whatever device runs them hands each over as a stateless `Session`. Nothing is truncated:
more tokens than the cache has positions are refused.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle, OptionError
from ondol.fitting import Fitted
from ondol.language import say
from ondol.plan import Plan
from ondol.runtime import DecoderSession
from ondol.stateless import Port, Session
from ondol.static_cache import IDS, POSITIONS, Step, is_mask
from ondol.target_reports import npu_report

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol.runtime import Logits
    from ondol.snapshot import Memory

LEAST = 8  # fewer tokens are run one by one
PAST, NEW, LOGITS = "past_key_values.", "new.", "logits"


class StaticDecoder(DecoderSession):
    """A decode graph for one token and prefill graphs for buckets of them, on one cache."""

    def __init__(
        self, bundle: Bundle, decode: Session, prefill: Sequence[Session], plan: Plan
    ) -> None:
        """Args: a decoder's bundle, its open graphs, which are closed with the session, a plan.

        Raises:
            CorruptBundle: if the graphs are not those of the model.
            OptionError: if the plan asks for more positions than the graphs hold.
        """
        model = bundle.decoder
        names = [f"{i}.{part}" for i in range(model.layers) for part in ("key", "value")]
        shapes = {port.name: port.shape for port in decode.inputs if port.name.startswith(PAST)}
        held = next((shape[1] for shape in shapes.values() if len(shape) == 3), None) or 0
        cache = (model.kv_heads, held, model.head_dim)
        self._decode = _Bucket(decode, held)
        self._buckets = sorted((_Bucket(graph, held) for graph in prefill), key=lambda b: b.n)
        for bucket in (self._decode, *self._buckets):
            _check(bucket, cache, names, bundle)
        if self._decode.n != 1 or _port(decode.outputs, LOGITS) != (1, model.vocabulary):
            raise _differ(bundle, decode)
        if plan.context > held:
            raise _too_long(bundle, plan, held)
        super().__init__(context=plan.context, vocabulary=model.vocabulary)
        self.placement = decode.placement
        self._cache = {name: np.zeros(cache, np.float32) for name in names}

    def _append(self, ids: Sequence[int]) -> "Logits":
        start = self._length
        before = start + self._fill(ids[:-1], start)
        for at in range(before - start, len(ids) - 1):
            self._run(self._decode, ids[at : at + 1], start + at)
        made = self._run(self._decode, ids[-1:], start + len(ids) - 1)
        logits: Logits = made[LOGITS].reshape(self.vocabulary)
        return logits

    def _fill(self, ids: Sequence[int], start: int) -> int:
        """Run tokens through the buckets; how many were worth one."""
        done = 0
        while self._buckets and len(ids) - done >= LEAST:
            left = len(ids) - done
            bucket = next((b for b in self._buckets if b.n >= left), self._buckets[-1])
            part = ids[done : done + bucket.n]
            self._run(bucket, part, start + done)
            done += len(part)
        return done

    def _run(self, bucket: "_Bucket", ids: Sequence[int], start: int) -> "dict[str, NDArray[Any]]":
        made = bucket.run(ids, start, self._cache)
        for name, memory in self._cache.items():
            memory[:, start : start + len(ids)] = made[f"{NEW}{name}"][:, : len(ids)]
        return made

    def _cached(self, length: int) -> "Memory":
        return self._cache

    def _close(self) -> None:
        for bucket in (self._decode, *self._buckets):
            bucket.graph.close()
        del self._cache


class _Bucket:
    """One graph for n tokens at a time, with the memory of its small inputs."""

    def __init__(self, graph: Session, held: int) -> None:
        self.graph = graph
        self.n = (_port(graph.inputs, IDS) or (0,))[0] or 0
        self._names = {port.name for port in graph.inputs}
        self._step = Step(self.n, held, filter(is_mask, self._names))

    def run(
        self, ids: Sequence[int], start: int, cache: "dict[str, NDArray[np.float32]]"
    ) -> "dict[str, NDArray[Any]]":
        """At most n tokens at positions from `start` on."""
        self._step.take(ids, start)
        past = {f"{PAST}{name}": memory for name, memory in cache.items()}
        feeds: dict[str, NDArray[Any]] = {**self._step.arrays, **past}
        return dict(
            self.graph.run({name: array for name, array in feeds.items() if name in self._names})
        )


def fitted(bundle: Bundle, plan: Plan, *, wished_context: bool) -> Fitted:
    """The plan with no longer a context than the bundle's static graphs hold, and that said.

    Raises:
        OptionError: if a longer one was asked for.
        CorruptBundle: if what the bundle says of its static graphs does not hold.
    """
    held = npu_report(bundle).context
    if plan.context <= held:
        return Fitted(plan, None, None, ())
    if wished_context:
        raise _too_long(bundle, plan, held)
    change = say(
        f"{bundle.name}: the context is {held} tokens instead of {plan.context}: its graphs of "
        "fixed shapes hold no more.",
        f"{bundle.name}: 문맥을 {plan.context}토큰에서 {held}토큰으로 줄였습니다. 고정 모양 "
        "그래프에 그만큼만 들어갑니다.",
    )
    return Fitted(replace(plan, context=held), None, None, (change,))


def _too_long(bundle: Bundle, plan: Plan, held: int) -> OptionError:
    return OptionError(
        say(
            f"A context of {plan.context} tokens is not to be had here.",
            f"여기서는 문맥 길이 {plan.context}토큰을 쓸 수 없습니다.",
        ),
        say(
            f"The graphs of fixed shapes in {bundle.name} hold {held}.",
            f"{bundle.name}의 고정 모양 그래프에는 {held}토큰까지 들어갑니다.",
        ),
        f"--context {held}",
    )


def _port(ports: Sequence[Port], name: str) -> tuple[int | None, ...] | None:
    return next((port.shape for port in ports if port.name == name), None)


def _check(
    bucket: _Bucket, cache: tuple[int, int, int], names: Sequence[str], bundle: Bundle
) -> None:
    """Compare what the manifest says of a decoder with a graph, before memory is bound."""
    graph, n = bucket.graph, bucket.n
    inputs = {port.name: (port.dtype, port.shape) for port in graph.inputs}
    outputs = {port.name: (port.dtype, port.shape) for port in graph.outputs}
    new = (cache[0], n, cache[2])
    masks = {name: ("float32", (n, cache[1] + n)) for name in inputs if is_mask(name)}
    past = {name: inputs[name] for name in inputs if name.startswith(PAST)}
    fits = (
        n > 0
        and set(inputs) == {IDS, POSITIONS, *masks, *past}
        and set(past) <= {f"{PAST}{name}" for name in names}
        and set(past.values()) == {("float32", cache)}
        and inputs[IDS] == inputs[POSITIONS] == ("int32", (n,))
        and all(inputs[name] == mask for name, mask in masks.items())
        and {name: outputs[name] for name in outputs if name != LOGITS}
        == {f"{NEW}{name}": ("float32", new) for name in names}
    )
    if not fits:
        raise _differ(bundle, graph)


def _differ(bundle: Bundle, graph: Session) -> CorruptBundle:
    return CorruptBundle(
        say(
            f"{bundle.name}: the manifest and the graph are of different models.",
            f"{bundle.name}: 목록 파일과 그래프가 서로 다른 모델의 것입니다.",
        ),
        "; ".join(map(str, (*graph.inputs, *graph.outputs)))[:400],
        say("Convert the model again.", "모델을 다시 변환하세요."),
    )
