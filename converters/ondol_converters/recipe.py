"""What a conversion is told: everything that changes the bytes of a bundle."""

from dataclasses import dataclass
from typing import Literal

from ondol.errors import OptionError
from ondol.language import say

Weights = Literal["auto", "float32"]

DEFAULT_CONTEXT = 4096


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of a conversion.

    `weights` is "auto" (each matrix as its source stores it where a kernel can hold that, else
    8 bits in blocks of 32) or "float32" (dequantised; the yardstick of quality).
    `context` is the longest context in tokens that the bundle can be opened with; it is cut to
    what the model was trained for.
    """

    weights: Weights = "auto"
    context: int = DEFAULT_CONTEXT

    def __post_init__(self) -> None:
        if self.weights not in ("auto", "float32"):
            raise OptionError(
                say(
                    f"No such weights: {self.weights!r}.",
                    f"그런 가중치 형식은 없습니다: {self.weights!r}",
                ),
                say("Known: auto, float32.", "아는 값: auto, float32"),
            )
        if not 16 <= self.context <= 1 << 20:
            raise OptionError(
                say(
                    f"A context of {self.context} cannot be meant.",
                    f"문맥 길이 {self.context}은(는) 쓸 수 없습니다.",
                ),
                "",
                say("Choose 16 tokens or more.", "16토큰 이상으로 고르세요."),
            )
