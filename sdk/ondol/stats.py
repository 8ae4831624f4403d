"""What a reply cost: tokens, characters and seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stats:
    """What a reply cost. Times in seconds, counts in tokens and characters.

    `prefill_tokens` were run, `reused_tokens` were in the cache already. Rates are 0 where
    nothing was timed. `decode_tokens` were run one by one after the first was known.
    `rerun_tokens` were run once more after other replies had used the cache; neither time counts
    them, nor the wait for others.
    """

    prompt_tokens: int
    prefill_tokens: int
    reused_tokens: int
    prefill_seconds: float
    decode_tokens: int
    decode_seconds: float
    characters: int
    rerun_tokens: int = 0

    @property
    def prefill_rate(self) -> float:
        """Prompt tokens per second."""
        return self.prefill_tokens / self.prefill_seconds if self.prefill_seconds else 0.0

    @property
    def decode_rate(self) -> float:
        """Tokens per second while answering."""
        return self.decode_tokens / self.decode_seconds if self.decode_seconds else 0.0

    @property
    def characters_rate(self) -> float:
        """Characters of the answer per second while answering."""
        return self.characters / self.decode_seconds if self.decode_seconds else 0.0
