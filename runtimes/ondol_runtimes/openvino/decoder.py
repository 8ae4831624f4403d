"""A decoder on OpenVINO: its keys and values grow by what each run gives back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ondol.bundle import Bundle
from ondol.plan import Plan
from ondol.runtime import DecoderSession
from ondol_runtimes.openvino.compiled import Compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ondol.runtime import Logits
    from ondol.snapshot import Memory

PAST, PRESENT = "past_key_values.", "present."


class OpenVinoDecoder(DecoderSession):
    """The bundle's own graph, float32 [1, kv_heads, length, head_dim] for each key and value.

    OpenVINO makes GroupQueryAttention of plain operators: the present is the past and what is
    new, one after the other, so past and present are not one memory and each run copies both.
    """

    def __init__(self, bundle: Bundle, graph: str, plan: Plan) -> None:
        model = bundle.decoder
        super().__init__(context=plan.context, vocabulary=model.vocabulary)
        self._compiled = Compiled(bundle, graph, plan)
        self._inputs = {port.name for port in self._compiled.inputs}
        empty = np.zeros((1, model.kv_heads, 0, model.head_dim), np.float32)
        names = (name.removeprefix(PAST) for name in self._inputs if name.startswith(PAST))
        self._cache: dict[str, NDArray[np.float32]] = dict.fromkeys(names, empty)

    def _append(self, ids: Sequence[int]) -> "Logits":
        last: Logits = self._run(ids, -1)[-1]
        return last

    def _append_all(self, ids: Sequence[int]) -> "Logits":
        return self._run(ids, 0)

    def _rewind(self, length: int) -> None:
        self._cache = {name: kept[:, :, :length] for name, kept in self._cache.items()}

    def _cached(self, length: int) -> "Memory":
        more = max(0, length - self._length)
        if more:
            room = ((0, 0), (0, 0), (0, more), (0, 0))
            self._cache = {name: np.pad(kept, room) for name, kept in self._cache.items()}
        return self._cache

    def _close(self) -> None:
        del self._compiled, self._cache

    def _run(self, ids: Sequence[int], logits_from: int) -> "Logits":
        """Logits of the positions asked for, [positions, vocabulary]; the cache grows by `ids`."""
        feeds: dict[str, Any] = {
            "input_ids": np.array([ids], np.int64),
            "attention_mask": np.ones((1, self._length + len(ids)), np.int64),
            "logits_from": np.array([logits_from], np.int64),
            **{PAST + name: np.ascontiguousarray(kept) for name, kept in self._cache.items()},
        }
        made = self._compiled.run({name: feeds[name] for name in self._inputs})
        self._cache = {name: made[PRESENT + name] for name in self._cache}
        logits: Logits = made["logits"]
        return logits.reshape(-1, self.vocabulary)
