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

        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        if self._matcher.is_error():
            self.trouble = in_short(self._matcher.get_error())
            logits.fill(-np.inf)
            return
        allowed = np.flatnonzero(np.unpackbits(bits, bitorder="little")[: len(logits)])
        if not self._matcher.is_accepting():
            # Where nothing can follow, llguidance offers the end even if the text is not whole
            allowed = allowed[~np.isin(allowed, self._ends)]
        kept = logits[allowed]
        logits.fill(-np.inf)
        logits[allowed] = kept

    def accept(self, token: int) -> None:
        """Take note of a token that was chosen."""
        if not self._matcher.consume_token(token):
            self.trouble = in_short(self._matcher.get_error())
