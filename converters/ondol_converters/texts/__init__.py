"""Texts to calibrate, tune and learn a vocabulary with: the user's own, or Ondol's."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ondol.evaluation.text import Text, own_texts, read_texts
from ondol.language import say

CALIBRATION_TEXTS = ("ko.txt", "en.txt")
LEAST_HANGUL = 0.2
"""Below this share of Hangul among all letters, a calibration is not for Korean."""


@dataclass(frozen=True, slots=True)
class LittleHangul:
    """A warning: calibration texts with hardly any Korean, and their share of Hangul."""

    hangul_share: float

    def __str__(self) -> str:
        return say(
            f"Only {self.hangul_share:.1%} of the letters in the calibration texts are Hangul: "
            "the model will be tuned for another language than Korean.",
            f"보정용 글의 글자 가운데 한글이 {self.hangul_share:.1%}뿐입니다. "
            "한국어가 아닌 언어에 맞춰 조정됩니다.",
        )


@dataclass(frozen=True, slots=True)
class Loaded:
    """Calibration texts, and a warning where they are hardly Korean."""

    texts: tuple[Text, ...]
    warning: LittleHangul | None

    @property
    def text(self) -> str:
        """All of them, one after the other."""
        return "\n".join(text.text for text in self.texts)


def load(paths: Sequence[Path] = ()) -> Loaded:
    """Calibration texts: UTF-8 files, or Ondol's own Korean and English where none is given.

    Raises:
        BadText: if a file cannot be read, is empty, not UTF-8, or larger than 64 MiB.
    """
    if not paths:
        texts = own_texts(files("ondol_converters") / "texts", CALIBRATION_TEXTS)
    else:
        texts = read_texts(paths)
    return Loaded(texts, check(texts))


def check(texts: Sequence[Text]) -> LittleHangul | None:
    """The warning that texts deserve, if any: weighed by their length."""
    characters = sum(len(text.text) for text in texts)
    share = sum(text.hangul_share * len(text.text) for text in texts) / max(characters, 1)
    return LittleHangul(share) if share < LEAST_HANGUL else None
