"""A decoder on onert: a cache of our own, one prepared graph for steps and one for prompts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ondol.bundle import Bundle
from ondol.errors import CorruptBundle
from ondol.language import say
from ondol.plan import Plan
from ondol.runtime import DecoderSession
from ondol.static_cache import IDS, POSITIONS, Step, is_mask
from ondol.target_reports import OneReport, one_report
from ondol_runtimes.one.prepared import Prepared

if TYPE_CHECKING:
    from ondol.runtime import Logits
    from ondol.snapshot import Memory

BUCKET = 32  # tokens of a prompt at a time
ROOM = 256  # positions of the cache at first; doubled when full, for attention reads all of it
LEAST = 8  # fewer are run one by one
WANTED, PAST, NEW, LOGITS = "wanted", "past_key_values.", "new.", "logits"


class OnertDecoder(DecoderSession):
    """The circle of `ondol_converters.circle.decoder`, resized to the plan's context."""

    def __init__(self, bundle: Bundle, graph: str, plan: Plan) -> None:
        model = bundle.decoder
        super().__init__(context=plan.context, vocabulary=model.vocabulary)
        self._path, self._threads = str(bundle.file(graph)), plan.threads
        self._circle = one_report(bundle)
        _check_facts(self._circle, bundle)
        self._room = min(ROOM, plan.context)
        shape = (model.kv_heads, self._room, model.head_dim)
        self._cache = {
            port.name.removeprefix(NEW): np.zeros(shape, np.float32)
            for port in self._circle.outputs
            if port.name != LOGITS
        }
        self._logits = np.empty(model.vocabulary, np.float32)
        self._prepared: dict[tuple[int, int], _Bound] = {}
        self._bound(1, 1)

    def _append(self, ids: Sequence[int]) -> "Logits":
        self._grow(self._length + len(ids))
        done = 0
        while done < len(ids):
            count = min(BUCKET, len(ids) - done)
            n, count = (BUCKET, count) if count >= LEAST else (1, 1)
            part = ids[done : done + count]
            made = self._run(self._bound(n, 1), part, self._length + done, [count - 1])
            done += count
            if done == len(ids):
                np.copyto(self._logits, made)
        return self._logits

    def _append_all(self, ids: Sequence[int]) -> "Logits":
        self._grow(self._length + len(ids))
        rows = np.empty((len(ids), self.vocabulary), np.float32)
        for at in range(0, len(ids), BUCKET):
            part = ids[at : at + BUCKET]
            bound = self._bound(BUCKET, BUCKET)
            made = self._run(bound, part, self._length + at, range(BUCKET))
            rows[at : at + len(part)] = made.reshape(BUCKET, self.vocabulary)[: len(part)]
        return rows

    def _grow(self, length: int) -> None:
        """Room for so many positions; graphs are prepared anew for what came of it."""
        if length <= self._room:
            return
        while self._room < length:
            self._room = min(2 * self._room, self.context)
        self._prepared.clear()
        for name, old in self._cache.items():
            new = np.zeros((len(old), self._room, old.shape[2]), np.float32)
            new[:, : self._length] = old[:, : self._length]
            self._cache[name] = new

    def _run(
        self, bound: "_Bound", ids: Sequence[int], start: int, wanted: Sequence[int]
    ) -> "Logits":
        made = bound.run(ids, start, wanted)
        for name, memory in self._cache.items():
            new = bound.graph.output(f"{NEW}{name}").reshape(len(memory), bound.n, -1)
            memory[:, start : start + len(ids)] = new[:, : len(ids)]
        return made

    def _bound(self, n: int, wanted: int) -> "_Bound":
        """The graph for n tokens of which so many give logits, prepared when first asked for."""
        key = (n, wanted)
        if key not in self._prepared:
            sizes = {port.name: self._size(port.name, n, wanted) for port in self._circle.inputs}
            graph = Prepared(self._path, self._circle, sizes, self._threads)
            for name, memory in self._cache.items():
                graph.feed(f"{PAST}{name}", memory)
            masks = [name for name in sizes if is_mask(name)]
            self._prepared[key] = _Bound(graph, n, wanted, self._room, masks)
        return self._prepared[key]

    def _size(self, name: str, n: int, wanted: int) -> tuple[int, ...]:
        if name.startswith(PAST):
            return self._cache[name.removeprefix(PAST)].shape
        if is_mask(name):
            return (n, self._room + n)
        return (wanted,) if name == WANTED else (n,)

    def _cached(self, length: int) -> "Memory":
        self._grow(length)
        return self._cache

    def _close(self) -> None:
        del self._prepared, self._cache


class _Bound:
    """A prepared graph with its inputs' memory."""

    def __init__(
        self, graph: Prepared, n: int, wanted: int, room: int, masks: Sequence[str]
    ) -> None:
        self.graph, self.n = graph, n
        self._step = Step(n, room, masks)
        self._wanted = np.zeros(wanted, np.int32)
        for name, array in (self._step.arrays | {WANTED: self._wanted}).items():
            graph.feed(name, array)

    def run(self, ids: Sequence[int], start: int, wanted: Sequence[int]) -> "Logits":
        """Logits of the wanted ones of at most n tokens at positions from `start` on."""
        self._step.take(ids, start)
        self._wanted[:] = wanted
        self.graph.run()
        return self.graph.output(LOGITS)


def _check_facts(circle: OneReport, bundle: Bundle) -> None:
    """Compare what the manifest says of a decoder with its circle, before memory is bound."""
    model = bundle.decoder
    shapes = {port.name: port.shape for port in (*circle.inputs, *circle.outputs)}
    names = [f"{i}.{part}" for i in range(model.layers) for part in ("key", "value")]
    inputs = {port.name for port in circle.inputs if not is_mask(port.name)}
    outputs = {port.name for port in circle.outputs}
    held = [f"{kind}{name}" for kind in (PAST, NEW) for name in names]
    fits = (
        inputs == {IDS, POSITIONS, WANTED, *(f"{PAST}{name}" for name in names)}
        and outputs == {LOGITS, *(f"{NEW}{name}" for name in names)}
        and all(len(shapes[name]) == 3 for name in held)
        and {shapes[name][::2] for name in held} == {(model.kv_heads, model.head_dim)}
        and shapes[LOGITS][-1:] == (model.vocabulary,)
    )
    if not fits:
        raise CorruptBundle(
            say(
                f"{bundle.name}: the manifest and the circle are of different models.",
                f"{bundle.name}: 목록 파일과 circle 그래프가 서로 다른 모델의 것입니다.",
            ),
            "; ".join(map(str, (*circle.inputs, *circle.outputs)))[:400],
            say("Convert the model again.", "모델을 다시 변환하세요."),
        )
