"""What a reply is held to while it is made: forbidden tokens are masked before one is chosen.

A `Rule` is what somebody asks for, such as "JSON of this schema", and knows no vocabulary; over
a tokenizer it becomes a `Constraint`, which follows one reply, token by token, and is used once.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from ondol.runtime import Logits
    from ondol.tokenizer import Tokenizer


class Constraint(Protocol):
    """Follows one reply and says which tokens may come next, those that end it included."""

    @property
    def finished(self) -> bool:
        """Whether the reply is complete and nothing may follow: it ends as `Finish.COMPLETE`."""
        ...

    def mask(self, logits: "Logits") -> None:
        """Set the logits of forbidden tokens to -inf, in place.

        Args:
            logits: float32 [vocabulary], which may be longer than the tokenizer has tokens.
        """
        ...

    def accept(self, token: int) -> None:
        """Take note of a token that was chosen, the ending one too."""
        ...


@runtime_checkable
class Rule(Protocol):
    """What replies are held to, before a tokenizer is known."""

    def over(self, tokenizer: "Tokenizer", /) -> Constraint:
        """A fresh constraint for one reply in this tokenizer's tokens.

        Raises:
            OptionError: if no reply could keep to the rule.
            MissingExtra: if a package that it runs by is not installed.
        """
        ...


class Together:
    """Several constraints as one: a token must be allowed by each of them."""

    def __init__(self, parts: Sequence[Constraint]) -> None:
        self._parts = tuple(parts)

    @property
    def finished(self) -> bool:
        """Whether one of them is: it would allow no further token."""
        return any(part.finished for part in self._parts)

    def mask(self, logits: "Logits") -> None:
        """Set the logits that any of them forbids to -inf, in place."""
        for part in self._parts:
            part.mask(logits)

    def accept(self, token: int) -> None:
        """Tell each of them."""
        for part in self._parts:
            part.accept(token)


Constrained = Constraint | Rule | Sequence[Constraint | Rule] | None
"""What a reply may be held to: of several, a token must be allowed by each; None: to nothing."""


Guard = Callable[[str], Rule | None]
"""What replies to a message are held to where nobody says; of what was said to the model so far."""


def bound(wanted: Constrained, tokenizer: "Tokenizer") -> Constraint | None:
    """One constraint of all that is wanted, rules brought over the tokenizer; None for none."""
    if wanted is None:
        return None
    if isinstance(wanted, Sequence):
        parts = [part for part in (bound(one, tokenizer) for one in wanted) if part is not None]
        return Together(parts) if parts else None
    return wanted.over(tokenizer) if isinstance(wanted, Rule) else wanted
