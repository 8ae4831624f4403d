"""What a reply costs besides the model, and what a second turn costs beside a cold one.

Aims: sampling, detokenising and Python take 5 % of a token's time at most; the first token of a
second turn comes in a quarter of the time of a cold one, after 1,000 tokens of history.

The overhead is the time of a reply less what its own session spends in `append`, in the same run:
both are read from one clock. Greedy, and drawn with a repetition penalty as chats are.

python benchmarks/engine_overhead.py BUNDLE [--rounds 5] [--tokens 64] [--history 1000] [--json]
"""

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ondol.bench import TEXT, TURN_TOKENS
from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.reply import Limits
from ondol.sampling import Sampling

if TYPE_CHECKING:
    from ondol.runtime import Logits

MOST_OVERHEAD, MOST_SECOND = 0.05, 0.25
WAYS = {
    "greedy": Sampling(),
    "drawn": Sampling(temperature=0.7, top_p=0.9, repetition_penalty=1.05, seed=1),
}


@dataclass(frozen=True, slots=True)
class Overhead:
    """Medians over rounds: shares of a token's time, seconds of a turn's first token."""

    bundle: str
    threads: int
    tokens: int
    overhead: dict[str, float]
    token_seconds: dict[str, float]
    history_tokens: int
    second_turn_seconds: float
    cold_turn_seconds: float
    second_turn_share: float

    @property
    def holds(self) -> bool:
        """Whether the aims are met."""
        most = max(self.overhead.values())
        return most <= MOST_OVERHEAD and self.second_turn_share <= MOST_SECOND


class Clock:
    """Adds up what a session spends in `append`, in the place of its method."""

    def __init__(self, engine: Engine) -> None:
        self.seconds = 0.0
        self._append = engine.session.append
        engine.session.append = self.append  # type: ignore[method-assign]

    def append(self, ids: Sequence[int]) -> "Logits":
        """As the session's, timed."""
        start = time.perf_counter()
        logits = self._append(ids)
        self.seconds += time.perf_counter() - start
        return logits


def prompt(engine: Engine, tokens: int) -> list[int]:
    """Korean prose of so many tokens."""
    once = engine.tokenizer.encode(TEXT)
    bos = [] if engine.tokenizer.bos is None else [engine.tokenizer.bos]
    return [*bos, *once * (tokens // len(once) + 1)][:tokens]


def overhead(engine: Engine, clock: Clock, sampling: Sampling, tokens: int) -> tuple[float, float]:
    """Of one reply: the share of a token's time that is not the session's, and that time."""
    reply = engine.reply(prompt(engine, 64), sampling, Limits(max_tokens=tokens))
    next(reply)
    clock.seconds, start, before = 0.0, time.perf_counter(), len(reply.ids)
    reply.read()
    spent = time.perf_counter() - start
    return 1 - clock.seconds / spent, spent / (len(reply.ids) - before)


def turns(engine: Engine, history: int) -> tuple[float, float]:
    """Seconds to the first token of a second turn, and of the same prompt cold."""
    one = Limits(max_tokens=1)
    before = prompt(engine, history)
    whole = [*before, *prompt(engine, TURN_TOKENS)]
    found = []
    for warm in (True, False):
        engine.reply(before if warm else [whole[-1]], limits=one).read()
        start = time.perf_counter()
        reply = engine.reply(whole, limits=one)
        reply.read()
        found.append(time.perf_counter() - start)
        assert (reply.stats.reused_tokens >= history) == warm
    return found[0], found[1]


def measure(bundle: Bundle, threads: int, rounds: int, tokens: int, history: int) -> Overhead:
    """Rounds of every way in turn."""
    shares: dict[str, list[float]] = {way: [] for way in WAYS}
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    pairs = []
    context = min(history + TURN_TOKENS + 8, bundle.decoder.context)
    with Engine.open(bundle, threads=threads, context=context) as engine:
        clock = Clock(engine)
        for _ in range(rounds):
            for way, sampling in WAYS.items():
                share, each = overhead(engine, clock, sampling, tokens)
                shares[way].append(share)
                seconds[way].append(each)
            pairs.append(turns(engine, context - TURN_TOKENS - 8))
    return Overhead(
        bundle=bundle.name,
        threads=threads,
        tokens=tokens,
        overhead={way: statistics.median(each) for way, each in shares.items()},
        token_seconds={way: statistics.median(each) for way, each in seconds.items()},
        history_tokens=context - TURN_TOKENS - 8,
        second_turn_seconds=statistics.median(second for second, _ in pairs),
        cold_turn_seconds=statistics.median(cold for _, cold in pairs),
        second_turn_share=statistics.median(second / cold for second, cold in pairs),
    )


def main() -> int:
    """Print the figures; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--history", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    bundle = Bundle.open(args.bundle)
    made = measure(bundle, args.threads, args.rounds, args.tokens, args.history)
    if args.json:
        print(json.dumps(asdict(made)))
        return int(not made.holds)
    for way, share in made.overhead.items():
        print(f"{way}: {share:.1%} of {made.token_seconds[way] * 1e3:.2f} ms a token")
    print(
        f"second turn after {made.history_tokens} tokens: {made.second_turn_seconds:.3f} s, "
        f"cold {made.cold_turn_seconds:.3f} s, {made.second_turn_share:.2f}x"
    )
    return int(not made.holds)


if __name__ == "__main__":
    raise SystemExit(main())
