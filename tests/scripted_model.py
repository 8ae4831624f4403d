"""A model that says what a test wrote for it: a decoder of its own under the real engine."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ondol.bundle import Bundle
from ondol.engine import Engine
from ondol.runtime import DecoderSession
from ondol.tokenizer import Tokenizer


class Scripted(DecoderSession):
    """Prefers the tokens of the next text whenever a new prompt was run."""

    def __init__(self, bundle: Bundle, tokenizer: Tokenizer, texts: Sequence[str]) -> None:
        super().__init__(context=bundle.decoder.context, vocabulary=bundle.decoder.vocabulary)
        self._tokenizer = tokenizer
        self._texts = list(texts)
        self._left: list[int] = []
        self._said = -1
        self._begun = True

    def _append(self, ids: Sequence[int]) -> NDArray[np.float32]:
        if len(ids) == 1:  # its own last token, or what a constraint made of that
            self._begun = True
        else:
            if self._begun:  # otherwise this is more of a long prompt
                self._text, self._begun = self._texts.pop(0), False
            ids_of_text = self._tokenizer.encode(self._text, special=True)
            self._left = [*ids_of_text, self._tokenizer.eos[0]]
        logits = np.zeros(self.vocabulary, np.float32)
        if self._left:
            self._said = self._left.pop(0)
            logits[self._said] = 1.0
        return logits


def scripted(bundle: Bundle, *texts: str) -> Engine:
    """An engine whose replies are these texts, one after the other, each ending by itself."""
    facts = bundle.decoder
    tokenizer = Tokenizer.of(bundle, bos=facts.bos, eos=facts.eos)
    return Engine(bundle, Scripted(bundle, tokenizer, texts), tokenizer, "scripted")
