"""What the unrounded model predicts of a text, for trials to be held against.

Bits per character of a short text move by a quarter of a per cent with every rounding, up or
down; the divergence from the unrounded model is what they move by in the mean.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ondol.runtime import DecoderSession
from ondol_converters.budget.chain import LayerChain

Floats = NDArray[np.float32]
ROWS = 64  # of logits at a time


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Log-probabilities of every position of some windows, in a file.

    `expected` is float16 [positions, vocabulary], natural logarithms, window after window.
    """

    windows: Sequence[Sequence[int]]
    expected: NDArray[np.float16]

    @classmethod
    def of(cls, chain: LayerChain, windows: Sequence[Sequence[int]], path: Path) -> "Yardstick":
        """Run the windows through a dequantised model; the file is made."""
        count, at = sum(map(len, windows)), 0
        shape = (count, chain.vocabulary)
        expected = np.memmap(path, np.float16, "w+", shape=shape)
        for ids in windows:
            for rows in chain.logits(chain.rest(0, chain.start(ids))):
                expected[at : at + len(rows)] = log_softmax(rows)
                at += len(rows)
        return cls(windows, expected)

    def divergence(self, session: DecoderSession) -> float:
        """The mean of KL(unrounded || session), in bits a token; what it held is forgotten."""
        total, at = 0.0, 0
        for ids in self.windows:
            session.rewind(0)
            logits = session.append_all(ids)
            for start in range(0, len(ids), ROWS):
                rows = log_softmax(logits[start : start + ROWS])
                known = self.expected[at : at + len(rows)].astype(np.float32)
                total += divergence(known, rows)
                at += len(rows)
        return max(total, 0.0) / at / math.log(2)


def divergence(left: Floats, right: Floats) -> float:
    """The sum over rows of KL(left || right), in nats, of log-probabilities [rows, vocabulary]."""
    return float(np.einsum("rv,rv->", np.exp(left), left - right, dtype=np.float64))


def log_softmax(rows: Floats) -> Floats:
    """Natural logarithms of the probabilities that logits [rows, vocabulary] stand for."""
    shifted = rows - rows.max(axis=-1, keepdims=True)
    out: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return out
