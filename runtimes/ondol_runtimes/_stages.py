"""Prompts in float32, a few layers at a time: for processors without 8-bit dot products."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ondol.bundle import Bundle
from ondol.manifest import Variant
from ondol.plan import Plan
from ondol_runtimes._bound import Bound, load, session_options
from ondol_runtimes._onnxruntime import ort
from ondol_runtimes._pages import drop_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol_runtimes._bound import Cache

FROM = 48  # tokens from which expanding every matrix pays
CHUNK = 512  # tokens a pass; more would only grow the scratch memory


class Stages:
    """The prefill stages of a bundle over a decoder's cache; loaded when first needed."""

    def __init__(
        self,
        bundle: Bundle,
        variant: Variant,
        plan: Plan,
        providers: Sequence[str],
        cache: "Cache",
        mask: "NDArray[np.int64]",
    ) -> None:
        self._bundle = bundle
        self._names = variant.prefill
        self._weights = bundle.holder("weights.bin")
        self._plan = plan
        self._providers = providers
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
            bundle, options = self._bundle, session_options(self._plan)
            _share_arena(options)
            # each session has threads of its own: they must not spin into the next one's run
            options.add_session_config_entry("session.force_spinning_stop", "1")
            self._stages = [
                Bound(load(bundle, name, options, self._providers), self._cache, self._mask)
                for name in self._names
            ]
        most = len(ids) - 1
        for start in range(0, most, CHUNK):
            part = ids[start : min(start + CHUNK, most)]
            self._run(np.array([part], np.int64), before + start)
        return most

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


def _share_arena(options: "ort.SessionOptions") -> None:
    """Let sessions take scratch memory from one arena: each would keep its largest expansion.

    The decoder has an arena of its own: this one is slower for many small tensors.
    """
    _register_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")


@functools.cache
def _register_arena() -> None:
    where = ort.OrtMemoryInfo(
        "Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT
    )
    same_as_requested = 1
    ort.create_and_register_allocator(
        where, ort.OrtArenaCfg({"arena_extend_strategy": same_as_requested})
    )
