"""Prompts in float32, a few layers at a time: for processors without 8-bit dot products."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ondol.bundle import Bundle
from ondol.manifest import Variant
from ondol.plan import Plan
from ondol_runtimes._bound import Bound, load
from ondol_runtimes._inference import Inference, Settings
from ondol_runtimes._pages import drop_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol_runtimes._bound import Cache

FROM = 48  # tokens from which expanding every matrix pays


class Stages:
    """The prefill stages of a bundle over a decoder's cache; loaded when first needed."""

    def __init__(
        self,
        inference: Inference,
        bundle: Bundle,
        variant: Variant,
        plan: Plan,
        cache: "Cache",
        mask: "NDArray[np.int64]",
    ) -> None:
        self._inference = inference
        self._bundle = bundle
        self._names = variant.prefill
        self._weights = bundle.holder("weights.bin")
        self._plan = plan
        self._cache = cache
        self._mask = mask
        self._stages: list[Bound] = []

    def fill(self, ids: Sequence[int], before: int) -> int:
        """Fill the cache with all but the last of `ids`, if that is faster here.

        Returns:
            How many tokens were run, after the `before` that the cache holds.
        """
        if self._plan.integer_prefill or not self._names or len(ids) < FROM:
            return 0
        if not self._stages:
            self._stages = [self._open(name) for name in self._names]
        most = len(ids) - 1
        step = self._plan.batch
        for start in range(0, most, step):
            part = ids[start : min(start + step, most)]
            self._run(np.array([part], np.int64), before + start)
        return most

    def _open(self, name: str) -> Bound:
        # Each stage has threads of its own: they must not spin into the next one's run. Scratch
        # memory comes from one arena, for each would keep its largest expansion; the decoder's
        # own is faster for many small tensors
        settings = Settings(
            self._plan.threads, self._plan.spin, stop_spinning=True, shared_arena=True
        )
        graph = load(self._inference, self._bundle, name, settings)
        return Bound(self._inference, graph, self._cache, self._mask)

    def _run(self, ids: "NDArray[np.int64]", before: int) -> None:
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
