"""Two vocabularies side by side: the tokens both have, and where two tokenizations meet."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ondol.errors import DeviceError
from ondol.language import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ondol.runtime import Logits

    Ids = NDArray[np.int64]

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Ids of the tokens that this vocabulary and a reference both have, by their text.

    `size` counts them. `partial` says that one has tokens the other lacks; without it `mine` and
    `theirs` are None, and whole rows are compared, tokens without a text included.
    """

    mine: "Ids | None"
    theirs: "Ids | None"
    size: int

    @classmethod
    def of(
        cls, mine: Mapping[str, int], theirs: Mapping[str, int], sizes: tuple[int, int]
    ) -> "Alignment":
        """From two vocabularies (ids by text) and how many logits each model has."""
        import numpy as np

        if sizes[0] == sizes[1] and mine == theirs:
            return cls(None, None, sizes[0])
        common = sorted(
            (theirs[text], token)
            for text, token in mine.items()
            if text in theirs and token < sizes[0] and theirs[text] < sizes[1]
        )
        pairs = np.array(common, np.int64).reshape(-1, 2)
        return cls(pairs[:, 1], pairs[:, 0], len(common))

    @property
    def partial(self) -> bool:
        """Whether probabilities are scaled to the common tokens alone."""
        return self.mine is not None

    def compare(self, mine: "Logits", theirs: "Logits") -> tuple[float, bool]:
        """KL(P_theirs || P_mine) in bits, and whether both have the same likeliest token.

        Args:
            mine: logits of this model, float32 [its vocabulary].
            theirs: logits of the reference, float32 [its vocabulary].
        """
        import numpy as np

        if self.mine is not None and self.theirs is not None:
            mine, theirs = mine[self.mine], theirs[self.theirs]
        p, q = log_probabilities(theirs), log_probabilities(mine)
        kl = float((np.exp(p) * (p - q)).sum(dtype=np.float64))
        return max(kl, 0.0) / math.log(2), int(p.argmax()) == int(q.argmax())


def shared_positions(mine: Sequence[Span], theirs: Sequence[Span]) -> list[tuple[int, int]]:
    """Places of tokens that begin and end at the same byte in two tokenizations of one text."""
    known = {span: place for place, span in enumerate(theirs) if span[0] < span[1]}
    return [(place, known[span]) for place, span in enumerate(mine) if span in known]


def log_probabilities(logits: "Logits") -> "Logits":
    """Natural logarithms of the probabilities that logits [n] stand for, float32 [n].

    Raises:
        DeviceError: if they are not numbers.
    """
    import numpy as np

    with np.errstate(invalid="ignore"):
        shifted: Logits = logits - logits.max()
        total = float(np.exp(shifted).sum(dtype=np.float64))
    if not math.isfinite(total):
        raise DeviceError(
            say("The model's logits are not numbers.", "모델이 수가 아닌 값을 냈습니다."),
            say("A NaN or an infinity came out.", "NaN이나 무한대가 나왔습니다."),
            say("Convert the model again.", "모델을 다시 변환하세요."),
        )
    shifted -= np.float32(math.log(total))
    return shifted
