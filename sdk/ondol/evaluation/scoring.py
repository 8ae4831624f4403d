"""Bits per character of a text, and how far one model's predictions are from another's.

Bits per character is minus the binary logarithm of the probability that a model gives to a text,
over its characters: it compares across tokenizers, which perplexity does not. A text longer than
a window is cut at line ends, then spaces; every window begins anew with the model's own `bos`.
"""

import math
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ondol.errors import BadText, OptionError
from ondol.evaluation.alignment import Alignment, log_probabilities, shared_positions
from ondol.language import say
from ondol.runtime import DecoderSession
from ondol.tokenizer import Tokenizer

if TYPE_CHECKING:
    from ondol.runtime import Logits

WINDOW = 2048
"""The most tokens of one window; a session with a smaller context has smaller ones."""

CHUNK_BYTES = 16 << 20  # logits of one session at a time; two such while the next are made

Progress = Callable[[int, int], None]
"""Called with tokens scored and tokens in all."""


@dataclass(frozen=True, slots=True)
class OpenModel:
    """A decoder session and the tokenizer of its bundle."""

    session: DecoderSession
    tokenizer: Tokenizer


@dataclass(frozen=True, slots=True)
class Score:
    """What a text costs: `bits` over `characters`, scored in `tokens` tokens.

    A model without a `bos` cannot be asked for the first token of a window; its characters are
    not counted then. `spelt` says whether the tokens spell the text back exactly: where they do
    not, as with a token for what is unknown, the bits are those of another text.
    """

    bits: float
    characters: int
    tokens: int
    spelt: bool

    @property
    def bits_per_character(self) -> float:
        """Bits per character, lower is better."""
        return self.bits / self.characters

    def plus(self, other: "Score") -> "Score":
        """The score of both texts together."""
        return Score(
            self.bits + other.bits,
            self.characters + other.characters,
            self.tokens + other.tokens,
            self.spelt and other.spelt,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """One model beside a reference on the same text.

    `kl_bits` is the mean of KL(P_reference || P_this), in bits a token, and `top1_agreement` the
    share of equal likeliest tokens, over `positions` of the text: those where both tokenizers
    have the same border and the same next token. Probabilities run over `common_tokens`, the
    tokens that both have by their text; with `renormalised` there are others, and what both gave
    to those was left out and the rest scaled to one. Both are None where no position is shared.
    """

    this: Score
    reference: Score
    kl_bits: float | None
    top1_agreement: float | None
    positions: int
    common_tokens: int
    renormalised: bool

    @property
    def relative_loss(self) -> float:
        """The change in bits per character, relative to the reference: 0.01 is one per cent."""
        return self.this.bits_per_character / self.reference.bits_per_character - 1


def score(model: OpenModel, text: str, progress: Progress | None = None) -> Score:
    """Score a text; what the session held is forgotten.

    At most 32 MB of logits are held at a time, or two positions' where that is more.

    Raises:
        BadText: if the text is too short for a single token to be scored.
        DeviceError: if the model's logits are not numbers.
    """
    total = Score(0.0, 0, 0, True)
    for (reading,) in _windows((model,), text, progress):
        for _ in reading.rows():
            pass
        total = total.plus(reading.score)
    return _checked(total)


def compare(
    this: OpenModel, reference: OpenModel, text: str, progress: Progress | None = None
) -> Comparison:
    """Score a text on two sessions, and compare what they predict wherever they share a position.

    Works for a model whose vocabulary was trimmed, beside the one that has all of it.

    Raises:
        OptionError: if both are one session.
        BadText, DeviceError: as `score` does.
    """
    if this.session is reference.session:
        raise OptionError(
            say("A session is compared with itself.", "같은 세션끼리 비교하려 합니다."),
            say("Both would write into one cache.", "하나의 캐시에 번갈아 쓰게 됩니다."),
            say("Open a second session.", "세션을 하나 더 여세요."),
        )
    alignment = Alignment.of(
        this.tokenizer.vocabulary,
        reference.tokenizer.vocabulary,
        (this.session.vocabulary, reference.session.vocabulary),
    )
    mine_total = theirs_total = Score(0.0, 0, 0, True)
    kl, agreed, positions = 0.0, 0, 0
    for mine, theirs in _windows((this, reference), text, progress):
        pairs = shared_positions(mine.spans, theirs.spans) if alignment.size else ()
        own, others = mine.rows(), theirs.rows()
        for at, there in pairs:
            row = next(row for place, row in own if place == at)
            other = next(row for place, row in others if place == there)
            bits, same = alignment.compare(row, other)
            kl, agreed, positions = kl + bits, agreed + same, positions + 1
        for rest in (own, others):
            for _ in rest:
                pass
        mine_total, theirs_total = mine_total.plus(mine.score), theirs_total.plus(theirs.score)
    return Comparison(
        this=_checked(mine_total),
        reference=_checked(theirs_total),
        kl_bits=kl / positions if positions else None,
        top1_agreement=agreed / positions if positions else None,
        positions=positions,
        common_tokens=alignment.size,
        renormalised=alignment.partial,
    )


def chunk_tokens(session: DecoderSession) -> int:
    """How many positions' logits of a session may be held at a time."""
    return max(1, CHUNK_BYTES // (4 * session.vocabulary))


class _Reading:
    """One window on one model: its tokens, and what they cost once `rows` is through."""

    def __init__(self, model: OpenModel, window: str, done: Callable[[int], None]) -> None:
        tokenizer = model.tokenizer
        ids = tokenizer.encode(window)
        pieces = [tokenizer.token_bytes(token) for token in ids]
        self._session, self._done = model.session, done
        first = [] if tokenizer.bos is None else [tokenizer.bos]
        self._inputs = [*first, *ids][:-1]
        self._targets = [*first, *ids][1:]
        skipped = len(ids) - len(self._targets)
        lost = len(b"".join(pieces[:skipped]).decode("utf-8", "ignore"))
        self.score = Score(
            0.0,
            len(window) - lost if self._targets else 0,
            len(self._targets),
            tokenizer.decode(ids) == window,
        )
        self.spans = _spans(pieces)[skipped:]
        """Where each scored token begins and ends, in bytes of the window."""

    def rows(self) -> "Iterator[tuple[int, Logits]]":
        """Logits before each scored token, by its place; each holds until the next is asked for."""
        session = self._session
        session.rewind(0)
        step = chunk_tokens(session)
        for start in range(0, len(self._inputs), step):
            for at, row in enumerate(session.append_all(self._inputs[start : start + step]), start):
                bits = -float(log_probabilities(row)[self._targets[at]]) / math.log(2)
                self.score = self.score.plus(Score(bits, 0, 0, True))
                yield at, row
            self._done(min(step, len(self._inputs) - start))


def _spans(pieces: list[bytes]) -> list[tuple[int, int]]:
    found, end = [], 0
    for piece in pieces:
        found.append((end, end + len(piece)))
        end += len(piece)
    return found


def _windows(
    models: tuple[OpenModel, ...], text: str, progress: Progress | None
) -> Iterator[tuple[_Reading, ...]]:
    """The text in windows that fit every model, opened on each."""
    whole = unicodedata.normalize("NFC", text)
    most = min(WINDOW, *(model.session.context for model in models))
    windows = list(_cut(whole, [model.tokenizer for model in models], most))
    total = sum(model.tokenizer.count(window) for model in models for window in windows)
    done = 0

    def advance(tokens: int) -> None:
        nonlocal done
        done += tokens
        if progress:
            progress(min(done, total), total)

    for window in windows:
        yield tuple(_Reading(model, window, advance) for model in models)


def _cut(text: str, tokenizers: list[Tokenizer], most: int) -> Iterator[str]:
    """Pieces of at most `most` tokens, as even as line ends and spaces allow."""
    if len(text) < 2 or all(each.count(text) <= most for each in tokenizers):
        if text:
            yield text
        return
    middle = len(text) // 2
    at = middle
    for border in "\n ":
        places = (text.rfind(border, 0, middle) + 1, text.find(border, middle) + 1)
        near = [place for place in places if 0 < place < len(text)]
        if near:
            at = min(near, key=lambda place: abs(place - middle))
            break
    yield from _cut(text[:at], tokenizers, most)
    yield from _cut(text[at:], tokenizers, most)


def _checked(total: Score) -> Score:
    if not total.characters:
        raise BadText(
            say("The text is too short to score.", "글이 너무 짧아 점수를 낼 수 없습니다."),
            say("Not one token could be predicted.", "예측할 토큰이 하나도 없습니다."),
            say("Give a text of a few thousand characters.", "수천 글자쯤 되는 글을 주세요."),
        )
    return total
