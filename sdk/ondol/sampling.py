"""Logits to a token: penalties, temperature, truncation, and one seeded draw."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ondol.errors import OptionError
from ondol.language import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ondol.runtime import Logits


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is chosen. A temperature of 0 is greedy: the likeliest token, no draw.

    `top_k` keeps that many tokens (0: all), `top_p` the likeliest that together reach that
    probability (nucleus, arXiv 1904.09751), `min_p` those at least that share of the likeliest
    (arXiv 2407.01082). `repetition_penalty` divides positive and multiplies negative logits of
    tokens already seen (CTRL, arXiv 1909.05858). The same seed gives the same text; None draws
    a seed.
    """

    temperature: float = 0.0
    top_k: int = 40
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int | None = None

    def __post_init__(self) -> None:
        real = int | float
        for name, kind, low, high in (
            ("temperature", real, 0.0, 100.0),
            ("top_k", int, 0, 1 << 30),
            ("top_p", real, 1e-6, 1.0),
            ("min_p", real, 0.0, 1.0),
            ("repetition_penalty", real, 0.01, 100.0),
            ("seed", int | None, 0, (1 << 64) - 1),
        ):
            value = getattr(self, name)
            fits = isinstance(value, kind) and not isinstance(value, bool)
            if not fits or (value is not None and not low <= value <= high):
                raise OptionError(
                    say(
                        f"{name} cannot be {value!r:.80}.",
                        f"{name} 값으로 {value!r:.80}을(를) 쓸 수 없습니다.",
                    ),
                    say(f"It runs from {low} to {high}.", f"{low}에서 {high}까지입니다."),
                )


class Sampler:
    """Chooses tokens for one reply; remembers what was seen, for the repetition penalty."""

    def __init__(self, sampling: Sampling, seen: Iterable[int] = ()) -> None:
        import numpy as np

        self._sampling = sampling
        self._random = np.random.default_rng(sampling.seed)
        self._seen = np.array(sorted(set(seen)), np.int64)

    def choose(self, logits: "Logits") -> int:
        """A token id from logits, float32 [vocabulary]; the logits are changed in place."""
        import numpy as np

        chosen = self._sampling
        if chosen.repetition_penalty != 1.0:
            self._penalise(logits)
        if chosen.temperature == 0.0:
            token = int(logits.argmax())
        else:
            ids, weights = self._candidates(logits)
            at = np.searchsorted(np.cumsum(weights), self._random.random() * weights.sum())
            token = int(ids[min(int(at), len(ids) - 1)])
        if chosen.repetition_penalty != 1.0:
            self._remember(token)
        return token

    def _penalise(self, logits: "Logits") -> None:
        import numpy as np

        old = logits[self._seen]
        penalty = np.float32(self._sampling.repetition_penalty)
        logits[self._seen] = np.where(old > 0, old / penalty, old * penalty)

    def _remember(self, token: int) -> None:
        import numpy as np

        at = int(np.searchsorted(self._seen, token))
        if at == len(self._seen) or self._seen[at] != token:
            self._seen = np.insert(self._seen, at, token)

    def _candidates(self, logits: "Logits") -> "tuple[NDArray[np.int64], NDArray[np.float64]]":
        """Token ids that may be drawn, likeliest first, and their weights (not normalised)."""
        import numpy as np

        chosen = self._sampling
        ids = _largest(logits, chosen.top_k or len(logits))
        scaled = logits[ids].astype(np.float64) / chosen.temperature
        weights = np.exp(scaled - scaled[0])
        if chosen.min_p > 0.0:
            weights = weights[weights >= chosen.min_p]  # the first weight is 1
        if chosen.top_p < 1.0:
            reached = np.cumsum(weights)
            keep = int(np.searchsorted(reached, chosen.top_p * reached[-1])) + 1
            weights = weights[:keep]
        return ids[: len(weights)], weights


def _largest(logits: "Logits", count: int) -> "NDArray[np.int64]":
    """Ids of the `count` largest logits, largest first, ties by id.

    A window below the maximum nearly always holds them all, and one comparison of the whole
    vocabulary is several times faster than partitioning it.
    """
    import numpy as np

    top = logits.max()
    if count < len(logits):
        for window in (8.0, 16.0, 32.0):
            ids = np.flatnonzero(logits > top - np.float32(window))
            if len(ids) >= count:
                break
        else:
            ids = np.flatnonzero(logits > -np.inf)  # a constraint may leave a few of very many
    else:
        ids = np.flatnonzero(logits > -np.inf)
    order = np.argsort(-logits[ids], kind="stable")[:count]
    return ids[order]
