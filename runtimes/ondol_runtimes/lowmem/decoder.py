"""A decoder whose pieces run one after the other over one cache, their weights mapped."""

from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from ondol.bundle import Bundle
from ondol.fitting import footprint
from ondol.manifest import Variant
from ondol.outline import Outline
from ondol.plan import Plan
from ondol.stateless import Port
from ondol_runtimes._bound import Bound, loading
from ondol_runtimes._inference import Inference, Settings
from ondol_runtimes._ort import OrtDecoder, check_facts
from ondol_runtimes.lowmem.cutting import Passed, cut
from ondol_runtimes.lowmem.mapping import Mapped, graph_bytes, open_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol_runtimes._bound import Cache
    from ondol_runtimes._inference import Array

PIECE_BYTES = 24 << 20


class LowmemDecoder(OrtDecoder):
    """As `cpu`'s, in pieces; of their weights only as many stay resident as the plan leaves."""

    def _opened(
        self, inference: Inference, bundle: Bundle, variant: Variant, plan: Plan
    ) -> "Chain":
        data, folder = graph_bytes(bundle, variant.graph)
        outline = Outline.read(data, variant.graph)
        settings = Settings(plan.threads, plan.spin, stop_spinning=True, shared_arena=True)
        pieces = cut(outline, PIECE_BYTES)
        with loading(inference, bundle, variant.graph):
            mapped = list(open_mapped(pieces, folder, settings, lean=plan.memory is not None))
        keep = None
        if plan.memory is not None:
            seen = footprint(bundle, plan, None, outline, streamed=True)
            keep = max(0, plan.memory - seen.peak)
        chain = Chain(inference, mapped, self._cache, self._mask, keep)
        check_facts(chain, bundle.decoder, bundle.name)
        return chain


class Chain:
    """Pieces that run in turn as if they were one bound graph."""

    def __init__(
        self,
        inference: Inference,
        mapped: "list[Mapped]",
        cache: "Cache",
        mask: "NDArray[np.int64]",
        keep: int | None,
    ) -> None:
        self._pieces = mapped
        self._bound = [Bound(inference, each.graph, cache, mask) for each in mapped]
        passed = {each.name for one in mapped for each in (*one.piece.reads, *one.piece.gives)}
        self.inputs = _ports([one.graph.inputs for one in mapped], passed)
        self.outputs = _ports([one.graph.outputs for one in mapped], passed)
        self._dropped = _dropped(mapped, keep)
        self._rows = 1

    def input(self, name: str, value: "Array") -> None:
        """As of `Bound`."""
        for bound in self._bound:
            if bound.takes(name):
                bound.input(name, value)

    def output(self, name: str, value: "Array") -> None:
        """As of `Bound`; the logits say how many rows are wanted."""
        self._rows = value.shape[1]
        for bound in self._bound:
            if bound.gives(name):
                bound.output(name, value)

    def run(self, ids: "NDArray[np.int64]", before: int, count: int) -> None:
        """As of `Bound`."""
        flow: dict[str, Array] = {}
        left = [{each.name for each in one.piece.reads} for one in self._pieces]
        for at, (one, bound) in enumerate(zip(self._pieces, self._bound, strict=True)):
            for each in one.piece.reads:
                bound.input(each.name, flow[each.name])
            for each in one.piece.gives:
                flow[each.name] = self._empty(each, count)
                bound.output(each.name, flow[each.name])
            bound.run(ids if bound.takes("input_ids") else None, before, count)
            bound.forget(*(each.name for each in (*one.piece.reads, *one.piece.gives)))
            later = set().union(*left[at + 1 :])
            flow = {name: value for name, value in flow.items() if name in later}
            if at in self._dropped:
                one.give_back()

    def _empty(self, passed: Passed, count: int) -> "NDArray[np.float32]":
        return np.empty((1, self._rows if passed.wanted else count, passed.width), np.float32)


def _dropped(mapped: "list[Mapped]", keep: int | None) -> frozenset[int]:
    """The pieces whose pages are given back after each run: those that do not fit beside others."""
    if keep is None:
        return frozenset()
    sizes = accumulate(one.size_bytes for one in mapped)
    return frozenset(at for at, size in enumerate(sizes) if size > keep)


def _ports(ports: "list[tuple[Port, ...]]", passed: set[str]) -> tuple[Port, ...]:
    found: Mapping[str, Port] = {p.name: p for each in ports for p in each if p.name not in passed}
    return tuple(found.values())
