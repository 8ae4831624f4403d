"""Running a static decoder graph on the CPU: to calibrate it, and to see what it is worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ondol.static_cache import Step, mask_name
from ondol_converters.families.decoder import Decoder
from ondol_converters.graph.qdq import LEAST, MOST
from ondol_converters.onnxruntime_door import onnxruntime
from ondol_converters.quantise.qdq import Feeds

ROUNDS = 16  # of calibration, n tokens each


class StaticRun:
    """One graph for n tokens at a time, with its cache of `context` positions."""

    def __init__(self, model: Path, decoder: Decoder, n: int, context: int, threads: int) -> None:
        ort = onnxruntime()
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        # Float weights stay mapped from their file, instead of being copied into a kernel's order
        options.add_session_config_entry("session.disable_prepacking", "1")
        self._session = ort.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
        self._n, self._context = n, context
        self._masks = sorted({mask_name(layer.window) for layer in decoder.layers})
        shape = (decoder.kv_heads, context, decoder.head_dim)
        self._cache = {
            f"{i}.{part}": np.zeros(shape, np.float32)
            for i in range(len(decoder.layers))
            for part in ("key", "value")
        }
        self.length = 0

    def feeds(self, ids: Sequence[int]) -> Feeds:
        """The graph's inputs for at most n tokens; what is missing is filled up and hidden."""
        step = Step(self._n, self._context, self._masks)
        step.take(ids, self.length)
        cache = {f"past_key_values.{name}": array for name, array in self._cache.items()}
        return {**step.arrays, **cache}

    def append(self, ids: Sequence[int]) -> NDArray[np.float32]:
        """Run tokens after those already there; logits [len(ids), vocabulary] of each."""
        rows = [self._step(ids[at : at + self._n]) for at in range(0, len(ids), self._n)]
        return np.concatenate(rows)

    def fill(self, ids: Sequence[int]) -> None:
        """Like `append`, for a graph without logits."""
        for at in range(0, len(ids), self._n):
            self._run(ids[at : at + self._n])

    def take(self, other: "StaticRun") -> None:
        """Go on where a graph for another n has come to, with its cache."""
        self._cache, self.length = other._cache, other.length

    def _step(self, ids: Sequence[int]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = self._run(ids)["logits"][: len(ids)]
        return logits

    def _run(self, ids: Sequence[int]) -> "dict[str, NDArray[np.float32]]":
        names = [output.name for output in self._session.get_outputs()]
        wanted = {value.name for value in self._session.get_inputs()}
        feeds = {name: array for name, array in self.feeds(ids).items() if name in wanted}
        arrays: Any = self._session.run(names, feeds)
        found: dict[str, NDArray[np.float32]] = dict(zip(names, arrays, strict=True))
        end = self.length + len(ids)
        for name, memory in self._cache.items():
            memory[:, self.length : end] = found[f"new.{name}"][:, : len(ids)]
        self.length = end
        return found

    def ranges(self, ids: Sequence[int]) -> "dict[str, tuple[float, float]]":
        """What a measuring graph shows along a text, the cache filling up; by place."""
        found: dict[str, tuple[float, float]] = {}
        for at in range(0, len(ids), self._n):
            if self.length + self._n > self._context:
                self.length = 0
            made = self._run(ids[at : at + self._n])
            for name, array in made.items():
                if not name.startswith(LEAST):
                    continue
                place = name.removeprefix(LEAST)
                least, most = float(array), float(made[f"{MOST}{place}"])
                before = found.get(place, (least, most))
                found[place] = (min(least, before[0]), max(most, before[1]))
        return found
