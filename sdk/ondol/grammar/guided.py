"""One reply, followed by llguidance token by token."""

from typing import TYPE_CHECKING

from ondol.grammar.vocabulary import Vocabulary, in_short

if TYPE_CHECKING:
    from llguidance import LLMatcher

    from ondol.runtime import Logits


class Guided:
    """A `Constraint` that keeps a reply to a grammar.

    Attributes:
        trouble: what llguidance gave up with; a reply then ends as `Finish.STUCK`.
    """

    def __init__(self, vocabulary: Vocabulary, matcher: "LLMatcher") -> None:
        self.trouble = ""
        self._matcher = matcher
        self._ends = vocabulary.ends
        self._known: tuple[bytes, bool, int] | None = None
        self._bias: Logits

    @property
    def finished(self) -> bool:
        """Whether the text fulfils the grammar and no other that does begins with it."""
        return not self.trouble and self._matcher.is_stopped() and not self._matcher.is_error()

    @property
    def fulfilled(self) -> bool:
        """Whether the text fulfils the grammar, though it might go on."""
        return not self.trouble and not self._matcher.is_error() and self._matcher.is_accepting()

    def mask(self, logits: "Logits") -> None:
        """Set the logits of tokens that the grammar does not allow to -inf, in place.

        Args:
            logits: float32 [vocabulary], which may be longer than the tokenizer has tokens.
        """
        import numpy as np

        bits = self._matcher.compute_bitmask()
        if self._matcher.is_error():
            self.trouble = in_short(self._matcher.get_error())
            logits.fill(-np.inf)
            return
        ends = self._matcher.is_accepting()
        if (bits, ends, len(logits)) != self._known:  # within a string it is the same for long
            self._known = (bits, ends, len(logits))
            allowed = np.unpackbits(np.frombuffer(bits, np.uint8), bitorder="little")
            if not ends:
                # Where nothing can follow, llguidance offers the end though the text is not whole
                allowed[list(self._ends)] = 0
            self._bias = np.full(len(logits), -np.inf, np.float32)
            self._bias[np.flatnonzero(allowed[: len(logits)].view(np.bool_))] = 0
        logits += self._bias

    def accept(self, token: int) -> None:
        """Take note of a token that was chosen."""
        if not self._matcher.consume_token(token):
            self.trouble = in_short(self._matcher.get_error())
