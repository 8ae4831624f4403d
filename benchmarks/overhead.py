"""What Ondol adds to the bare engine, token by token. Aims: 3 % at most; `capi` 0.95 of `cpu`.

In turn, a few tokens each: (a) ONNX Runtime's own session, everything bound once, run in a loop
with the mask's length alone set anew; (b) `session.append` of `cpu`; (c) the same of `capi`. All
three decode the same tokens at the same positions with the same threads, so only what surrounds
the engine differs. `capi` is beside the library inside the wheel, the same build.

python benchmarks/overhead.py BUNDLE [--rounds 30] [--tokens 16] [--threads 2] [--json]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ondol import registry
from ondol.bundle import Bundle
from ondol.plan import Plan
from ondol.runtime import DecoderSession
from ondol_runtimes._inference import Settings
from ondol_runtimes._package import load, session_options

CONTEXT, BEFORE = 512, 64
MOST_OVERHEAD, LEAST_CAPI = 0.03, 0.95
WAYS = ("raw", "cpu", "capi")

Decode = Callable[[Sequence[int]], None]


@dataclass(frozen=True, slots=True)
class Overhead:
    """Median seconds a token of each way, and medians of ratios within a round."""

    bundle: str
    raw_seconds: float
    cpu_seconds: float
    capi_seconds: float
    cpu_overhead: float
    capi_overhead: float
    capi_speed: float

    @property
    def holds(self) -> bool:
        """Whether the aims are met."""
        overhead = max(self.cpu_overhead, self.capi_overhead)
        return overhead <= MOST_OVERHEAD and self.capi_speed >= LEAST_CAPI


class Raw:
    """The bundle's decode graph in an `InferenceSession`, bound once."""

    def __init__(self, bundle: Bundle, plan: Plan) -> None:
        facts, variant = bundle.decoder, bundle.variant("cpu")
        if variant is None:
            raise SystemExit(f"{bundle.name} has no graph for the CPU")
        options = session_options(Settings(plan.threads, plan.spin))
        self._session = load(bundle, variant.graph, options, ["CPUExecutionProvider"])
        self._binding = self._session.io_binding()
        self._ids = np.zeros((1, 1), np.int64)
        self._mask = np.ones((1, plan.context), np.int64)
        self._logits = np.empty((1, 1, facts.vocabulary), np.float32)
        self._last = np.full(1, -1, np.int64)
        shape = (1, facts.kv_heads, plan.context, facts.head_dim)
        self._cache = []
        for layer in range(facts.layers):
            for part in ("key", "value"):
                memory = np.zeros(shape, facts.cache)
                self._cache.append(memory)
                self._input(f"past_key_values.{layer}.{part}", memory)
                self._output(f"present.{layer}.{part}", memory)
        self._input("input_ids", self._ids)
        self._input("logits_from", self._last)
        self._output("logits", self._logits)
        self.length = 0

    def append(self, ids: Sequence[int]) -> None:
        """Run one token after another."""
        where = self._mask.ctypes.data
        for token in ids:
            self._ids[0, 0] = token
            self.length += 1
            mask = ("attention_mask", "cpu", 0, np.int64, (1, self.length), where)
            self._binding.bind_input(*mask)
            self._session.run_with_iobinding(self._binding)

    @property
    def logits(self) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
        """Of the last position, [vocabulary]."""
        return self._logits.reshape(-1)

    def _input(self, name: str, value: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> None:
        self._binding.bind_input(name, "cpu", 0, value.dtype, value.shape, value.ctypes.data)

    def _output(
        self, name: str, value: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]"
    ) -> None:
        self._binding.bind_output(name, "cpu", 0, value.dtype, value.shape, value.ctypes.data)


def main() -> int:
    """Measure, print, and exit with 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--tokens", type=int, default=16, help="of each way in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    bundle = Bundle.open(said.bundle)
    found = _measure(bundle, Plan(CONTEXT, said.threads, True), said.rounds, said.tokens)
    if said.json:
        print(json.dumps(asdict(found) | {"holds": found.holds}))
        return int(not found.holds)
    medians = (found.raw_seconds, found.cpu_seconds, found.capi_seconds)
    for name, seconds in zip(WAYS, medians, strict=True):
        print(f"{name}: {seconds * 1e3:.3f} ms a token")
    print(
        f"cpu over raw {found.cpu_overhead:+.1%}, capi over raw {found.capi_overhead:+.1%} (<= 3 %)"
    )
    print(f"capi decodes at {found.capi_speed:.3f} of cpu (>= {LEAST_CAPI})")
    return int(not found.holds)


def _measure(bundle: Bundle, plan: Plan, rounds: int, tokens: int) -> Overhead:
    ids = [(13 * i + 5) % (bundle.decoder.vocabulary - 8) + 4 for i in range(BEFORE + tokens)]
    raw = Raw(bundle, plan)
    with (
        registry.runtime("cpu").open(bundle, plan) as cpu,
        registry.runtime("capi").open(bundle, plan) as capi,
    ):
        _same(raw, cpu, capi, ids)
        times: dict[str, list[float]] = {name: [] for name in WAYS}
        for turn in range(rounds):
            for name in (*WAYS[turn % 3 :], *WAYS[: turn % 3]):  # none is always first
                if name == "raw":
                    raw.length = BEFORE
                    times[name].append(_seconds(raw.append, ids[BEFORE:]))
                else:
                    session = cpu if name == "cpu" else capi
                    session.rewind(BEFORE)
                    times[name].append(_seconds(_one_by_one(session), ids[BEFORE:]))
    a, b, c = (times[name] for name in WAYS)
    raw_seconds, cpu_seconds, capi_seconds = (
        statistics.median(each) / tokens for each in (a, b, c)
    )
    return Overhead(
        bundle.name,
        raw_seconds,
        cpu_seconds,
        capi_seconds,
        cpu_overhead=_ratio(b, a) - 1,
        capi_overhead=_ratio(c, a) - 1,
        capi_speed=_ratio(b, c),
    )


def _same(raw: Raw, cpu: DecoderSession, capi: DecoderSession, ids: Sequence[int]) -> None:
    """Fill all three one token at a time; measuring is worth something only if they agree."""
    raw.append(ids)
    for session in (cpu, capi):
        *_, logits = (session.append([token]) for token in ids)
        if not np.array_equal(logits, raw.logits):
            raise SystemExit("the logits are not those of the bare session")


def _one_by_one(session: DecoderSession) -> Decode:
    def decode(ids: Sequence[int]) -> None:
        for token in ids:
            session.append([token])

    return decode


def _seconds(decode: Decode, ids: Sequence[int]) -> float:
    start = time.perf_counter()
    decode(ids)
    return time.perf_counter() - start


def _ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(mine, theirs, strict=True))


if __name__ == "__main__":
    raise SystemExit(main())
