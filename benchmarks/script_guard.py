"""What the script guard keeps out of a model's answers, and what it costs for each token.

Ondol's Korean prompts are answered by drawing, with and without the guard, from the same seeds. A
leak is a letter of Chinese characters, kana or a script with no name here. The guard's share is
the seconds inside it over the seconds of decoding, of the guarded answers.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ondol.engine import Engine
from ondol.evaluation.generation import prompts
from ondol.hangul import ScriptGuard
from ondol.reply import Limits
from ondol.sampling import Sampling
from ondol.scripts import is_letter, script_of
from ondol.session import Conversation
from ondol.template import Message

if TYPE_CHECKING:
    from ondol.constraint import Constraint
    from ondol.runtime import Logits

LEAKED = ("han", "kana", "other")


class Timed:
    """A constraint whose seconds are counted."""

    def __init__(self, inner: "Constraint") -> None:
        self._inner = inner
        self.seconds = 0.0

    @property
    def finished(self) -> bool:
        """As the constraint says."""
        return self._inner.finished

    def mask(self, logits: "Logits") -> None:
        """Mask, and count."""
        start = time.perf_counter()
        self._inner.mask(logits)
        self.seconds += time.perf_counter() - start

    def accept(self, token: int) -> None:
        """Accept, and count."""
        start = time.perf_counter()
        self._inner.accept(token)
        self.seconds += time.perf_counter() - start


@dataclass
class Count:
    """What some answers held and took."""

    answers: int = 0
    leaking: int = 0
    letters: int = 0
    leaked: int = 0
    tokens: int = 0
    decode_seconds: float = 0.0
    guard_seconds: float = 0.0

    def add(self, text: str) -> None:
        """Count the letters of an answer."""
        letters = [script_of(char) for char in text if is_letter(char)]
        leaked = sum(script in LEAKED for script in letters)
        self.answers += 1
        self.leaking += leaked > 0
        self.letters += len(letters)
        self.leaked += leaked

    def line(self, name: str) -> str:
        """One row of the report."""
        share = self.guard_seconds / self.decode_seconds if self.decode_seconds else 0.0
        return (
            f"{name}: {self.leaked} of {self.letters} letters leaked "
            f"({self.leaked / max(self.letters, 1):.3%}), "
            f"{self.leaking} of {self.answers} answers; "
            f"{self.tokens} tokens, guard {share:.2%} of decoding"
        )


def main() -> None:
    """Answer every prompt with as many seeds as are asked for, with the guard and without."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=80)
    parser.add_argument("--temperature", type=float, default=1.0)
    parser.add_argument("--threads", type=int)
    said = parser.parse_args()
    counts = {"without": Count(), "with": Count()}
    with Engine.open(said.bundle, threads=said.threads) as engine:
        ScriptGuard().over(engine.tokenizer).mask(
            engine.session.append([0])
        )  # reads the vocabulary
        for asked in prompts().asked:
            talk = Conversation(engine)
            text = asked.question if talk.chats else asked.opening
            prompt = talk.prompt([Message("user", text)])
            for seed in range(said.seeds):
                for name, count in counts.items():
                    guard = Timed(ScriptGuard().over(engine.tokenizer)) if name == "with" else None
                    sampling = Sampling(said.temperature, top_k=0, seed=seed)
                    reply = engine.reply(prompt, sampling, Limits(said.tokens), constraint=guard)
                    count.add(reply.read())
                    count.tokens += len(reply.ids)
                    count.decode_seconds += reply.stats.decode_seconds
                    count.guard_seconds += guard.seconds if guard else 0.0
    for name, count in counts.items():
        print(count.line(name), flush=True)


if __name__ == "__main__":
    main()
