"""Texts cut in two: most of it to calibrate with, the rest to score trials on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ondol.errors import BadText
from ondol.evaluation.text import Text
from ondol.language import say
from ondol.tokenizer import Tokenizer

PIECE = 400  # characters that stay together
EVERY = 4  # one piece of so many is scored on
LEAST = 200  # characters to score on
WINDOW, TOKENS = 256, 8192
SLOPE_TOKENS = 320
COMPARED_TOKENS = 1536  # of the text that is scored on


@dataclass(frozen=True, slots=True)
class Split:
    """Text to calibrate with, and text of the same kind to score on, which is not in it.

    What is scored on is Korean wherever any of the texts is.
    """

    calibration: str
    tuning: str


def split(texts: Sequence[Text]) -> Split:
    """Cut texts in two, evenly over each of them.

    Raises:
        BadText: if there is too little to score on.
    """
    korean = any(text.language == "ko" for text in texts)
    calibration: list[str] = []
    tuning: list[str] = []
    for text in texts:
        scored = not korean or text.language == "ko"
        for at, piece in enumerate(_pieces(text.text)):
            (tuning if scored and at % EVERY == EVERY - 1 else calibration).append(piece)
    found = Split("".join(calibration), "".join(tuning))
    if len(found.tuning) < LEAST:
        raise BadText(
            say("There is too little text for a budget.", "예산을 맞추기에는 글이 너무 적습니다."),
            say(
                f"{len(found.tuning)} characters are left to score on; {LEAST} are needed.",
                f"점수를 매길 글이 {len(found.tuning)}자뿐입니다. {LEAST}자가 있어야 합니다.",
            ),
            say("Give a longer text: --calibration FILE", "더 긴 글을 주세요: --calibration FILE"),
        )
    return found


def windows(tokenizer: Tokenizer, text: str, size: int, tokens: int = TOKENS) -> list[list[int]]:
    """Runs of token ids spread over a text, each with the model's `bos` in front."""
    start = [] if tokenizer.bos is None else [tokenizer.bos]
    ids, own = tokenizer.encode(text), size - len(start)
    count = max(1, min(tokens // size, len(ids) // own))
    last = max(len(ids) - own, 0)
    places = sorted({last * number // max(count - 1, 1) for number in range(count)})
    return [[*start, *ids[at : at + own]] for at in places]


def _pieces(text: str) -> Iterator[str]:
    """Runs of lines, or of words where a line is long, of about `PIECE` characters."""
    piece = ""
    for line in text.splitlines(keepends=True):
        words = line.split(" ") if len(line) > PIECE else [line]
        for number, word in enumerate(words):
            piece += word + (" " if number < len(words) - 1 else "")
            if len(piece) >= PIECE:
                yield piece
                piece = ""
    if piece:
        yield piece
