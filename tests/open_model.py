"""Decoders opened for tests of evaluation, and what numpy makes of their logits."""

import numpy as np
from numpy.typing import NDArray

from ondol import registry
from ondol.bundle import Bundle
from ondol.evaluation.scoring import OpenModel
from ondol.plan import plan
from ondol.tokenizer import Tokenizer


def opened(bundle: Bundle, device: str = "cpu", context: int | None = None) -> OpenModel:
    facts = bundle.decoder
    session = registry.runtime(device).open(bundle, plan(bundle, context))
    path = bundle.file("tokenizer.json")
    return OpenModel(session, Tokenizer.open(path, bos=facts.bos, eos=facts.eos))


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    shifted = wide - wide.max(-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


def token_by_token(model: OpenModel, ids: list[int]) -> NDArray[np.float64]:
    """Log probabilities after each token of `ids`, run one at a time."""
    model.session.rewind(0)
    return np.stack([log_softmax(model.session.append([token]).copy()) for token in ids])
