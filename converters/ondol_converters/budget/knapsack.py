"""Spend a budget where it buys most: one candidate for each matrix, by Lagrange multipliers.

For a price of loss, each matrix takes the candidate whose cost and priced loss are least together;
the price is sought at which the sum of losses just fits (Everett 1963, Operations Research 11).
What the last price leaves over is spent step by step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

STEPS = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """A candidate in the knapsack's terms: what it costs (bytes or seconds), what it loses."""

    cost: float
    loss: float


def choose(choices: Mapping[str, Sequence[Choice]], allowed: float) -> dict[str, int] | None:
    """The index of a choice for each matrix, with the least cost whose losses fit.

    None where not even the choices with the smallest losses fit.
    """
    if _loss(choices, least(choices)) > allowed:
        return None
    low, high = 0.0, 1.0
    while _loss(choices, _priced(choices, high)) > allowed and high < 1e30:
        low, high = high, high * 4
    for _ in range(STEPS):
        middle = (low + high) / 2
        if _loss(choices, _priced(choices, middle)) > allowed:
            low = middle
        else:
            high = middle
    found = _priced(choices, high)
    if _loss(choices, found) > allowed:
        found = least(choices)
    return _spent(choices, found, allowed)


def least(choices: Mapping[str, Sequence[Choice]]) -> dict[str, int]:
    """The index of the choice with the smallest loss for each matrix; of equals the cheapest."""
    return {
        name: min(range(len(own)), key=lambda at: (own[at].loss, own[at].cost))
        for name, own in choices.items()
    }


def _priced(choices: Mapping[str, Sequence[Choice]], price: float) -> dict[str, int]:
    return {name: _best(own, price) for name, own in choices.items()}


def _best(own: Sequence[Choice], price: float) -> int:
    return min(range(len(own)), key=lambda at: own[at].cost + price * own[at].loss)


def _loss(choices: Mapping[str, Sequence[Choice]], taken: Mapping[str, int]) -> float:
    return sum(choices[name][at].loss for name, at in taken.items())


def _spent(
    choices: Mapping[str, Sequence[Choice]], taken: dict[str, int], allowed: float
) -> dict[str, int]:
    """Take the cheaper choice that saves most for its loss, while any fits."""
    left = allowed - _loss(choices, taken)
    while True:
        swaps = [
            (own[taken[name]].cost - own[at].cost, own[at].loss - own[taken[name]].loss, name, at)
            for name, own in choices.items()
            for at in range(len(own))
            if own[at].cost < own[taken[name]].cost and own[at].loss - own[taken[name]].loss <= left
        ]
        if not swaps:
            return taken
        saved, lost, name, at = max(swaps, key=lambda s: s[0] / max(s[1], 1e-12))
        taken = {**taken, name: at}
        left -= lost
