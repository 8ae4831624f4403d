"""What holding a reply to a form adds to a token's time. Aim: 10 % at most on Gemma 3 270M.

In turn on one engine, the same prompt, greedy: a free reply, one held to a JSON Schema of a list
of objects with Korean names and free text, and one held to a regex of any text. Each is as long as
the other, and what counts is the seconds of decoding by token, as `reply.stats` has them. Besides,
the processor's seconds inside the constraint itself, which other work on the machine does not move.

python benchmarks/guided.py BUNDLE [--rounds 10] [--tokens 64] [--threads 2] [--json]
"""

import argparse
import json
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ondol.constraint import Constraint, Rule
from ondol.engine import Engine
from ondol.grammar import Json, Regex
from ondol.grammar.vocabulary import vocabulary
from ondol.reply import Limits

CONTEXT = 512
MOST_OVERHEAD = 0.10
PROMPT = "한국의 음식 열 가지를 JSON으로 자세히 설명하세요.\n"
SCHEMA = {
    "type": "array",
    "minItems": 10,
    "items": {
        "type": "object",
        "properties": {
            "이름": {"type": "string", "minLength": 2},
            "설명": {"type": "string", "minLength": 100, "maxLength": 300},
            "매운맛": {"enum": ["순함", "보통", "매움"]},
            "값": {"type": "integer", "minimum": 1000, "maximum": 100000},
        },
        "required": ["이름", "설명", "매운맛", "값"],
    },
}
RULES: dict[str, Rule] = {"json": Json(SCHEMA), "regex": Regex("([가-힣]{1,12}[ ,.] ?){500,}")}


class Timed:
    """A constraint and the processor's seconds in it, by token."""

    def __init__(self, inner: Constraint) -> None:
        self._inner = inner
        self.seconds: list[float] = []

    @property
    def finished(self) -> bool:
        """Whether the constraint is."""
        return self._inner.finished

    def mask(self, logits: NDArray[np.float32]) -> None:
        """Mask, and begin a token's time."""
        start = time.thread_time()
        self._inner.mask(logits)
        self.seconds.append(time.thread_time() - start)

    def accept(self, token: int) -> None:
        """Accept, and end it."""
        start = time.thread_time()
        self._inner.accept(token)
        self.seconds[-1] += time.thread_time() - start


@dataclass(frozen=True, slots=True)
class Figures:
    """Median seconds a token, medians of ratios within a round, and seconds before the first."""

    bundle: str
    tokens: int
    free_seconds: float
    json_seconds: float
    regex_seconds: float
    json_overhead: float
    regex_overhead: float
    json_own_seconds: float
    regex_own_seconds: float
    vocabulary_seconds: float
    compile_seconds: float

    @property
    def holds(self) -> bool:
        """Whether the aim is met."""
        return max(self.json_overhead, self.regex_overhead) <= MOST_OVERHEAD


def main() -> int:
    """Measure, print, and exit with 1 where the aim is missed."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--tokens", type=int, default=64, help="of each reply")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    said = parser.parse_args()
    with Engine.open(said.bundle, context=CONTEXT, threads=said.threads) as engine:
        found = _measure(engine, said.rounds, said.tokens)
    if said.json:
        print(json.dumps(asdict(found) | {"holds": found.holds}))
        return int(not found.holds)
    print(f"{found.bundle}, {found.tokens} tokens a reply")
    print(f"free    {found.free_seconds * 1e3:8.2f} ms a token")
    for name, seconds, overhead, own in (
        ("json", found.json_seconds, found.json_overhead, found.json_own_seconds),
        ("regex", found.regex_seconds, found.regex_overhead, found.regex_own_seconds),
    ):
        print(f"{name:7} {seconds * 1e3:8.2f} ms a token, {overhead:+.1%}; ", end="")
        print(f"the constraint itself {own * 1e3:.2f} ms")
    print(f"once for the vocabulary {found.vocabulary_seconds:.2f} s", end="")
    print(f", for the grammar {found.compile_seconds:.3f} s")
    print(f"aim: {MOST_OVERHEAD:.0%} at most: {'met' if found.holds else 'missed'}")
    return int(not found.holds)


def _measure(engine: Engine, rounds: int, tokens: int) -> Figures:
    start = time.perf_counter()
    vocabulary(engine.tokenizer)
    built = time.perf_counter()
    RULES["json"].over(engine.tokenizer)
    compiled = time.perf_counter()
    ways: list[Rule | None] = [None, RULES["json"], RULES["regex"]]
    for rule in ways:
        _token_seconds(engine, rule, tokens)
    found = [[_token_seconds(engine, rule, tokens) for rule in ways] for _ in range(rounds)]
    own = [_own_seconds(engine, rule, tokens) for rule in (RULES["json"], RULES["regex"])]
    free, held, matched = (statistics.median(column) for column in zip(*found, strict=True))
    return Figures(
        engine.bundle.name,
        tokens,
        free,
        held,
        matched,
        statistics.median(row[1] / row[0] for row in found) - 1,
        statistics.median(row[2] / row[0] for row in found) - 1,
        own[0],
        own[1],
        built - start,
        compiled - built,
    )


def _own_seconds(engine: Engine, rule: Rule, tokens: int) -> float:
    timed = Timed(rule.over(engine.tokenizer))
    _token_seconds(engine, timed, tokens)
    return statistics.fmean(timed.seconds)


def _token_seconds(engine: Engine, rule: Rule | Constraint | None, tokens: int) -> float:
    reply = engine.reply(PROMPT, limits=Limits(max_tokens=tokens), constraint=rule)
    reply.read()
    if reply.stats.decode_tokens < tokens - 1:
        raise SystemExit(f"{reply.finish} after {len(reply.ids)} tokens: ask for fewer")
    return reply.stats.decode_seconds / reply.stats.decode_tokens


if __name__ == "__main__":
    raise SystemExit(main())
