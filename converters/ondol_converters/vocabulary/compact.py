"""Which tokens a small vocabulary keeps: those whose loss would cost most, and what they need.

What a token is worth is how often it is expected, for without it each of its uses becomes two
tokens. The expectation mixes what texts show with a prior, for texts are short and vocabularies
long: within a kind of token (Hangul, Latin letters, ...) the order of a vocabulary is that of
frequency in what its maker trained it on, so the prior falls with the rank (Zipf-Mandelbrot).
Measured on 20 MB of English prose, manuals and code, half of all Latin tokens are among a
vocabulary's first 1,300 of the kind, 83 % among 16,000, with an exponent of 1.1. Many of them are
of other languages, so the common words of English have a share of their own: `words_en.txt`
holds the most frequent of WordNet's and GCIDE's definitions, manuals, fortunes and a game's
dialogues, counted by us, most frequent first (their frequency falls as 1 / (rank + 2.7));
`tests/fixtures/make_words_en.py` makes it.
"""

import heapq
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from ondol.scripts import script_of
from ondol.tokenizer import Tokenizer
from ondol_converters.vocabulary.pieces import Pieces

WORDS_SHARE = 0.3
SHARES = {
    "hangul": 0.45,
    "latin": 0.08,
    "ascii": 0.12,
    "symbol": 0.02,
    "han": 0.02,
    "accented": 0.01,
}
"""How much of a text is expected to be English words, and tokens of each kind beside them."""

WORDS, WORDS_OFFSET = "words_en.txt", 2.7
WORD_FORMS = ((" {}", 0.88), ("{}", 0.12))
CAPITALISED = 0.2
"""How a word is met: after a space or after a sign, and how often with a capital letter."""

EXPONENT, OFFSET = 1.1, 20
PRIOR_TOKENS = 50_000
"""The prior weighs as much as a text of so many tokens, and never less than the texts do: manuals
alone would teach a vocabulary to forget every other kind of text."""

RESERVED = re.compile(r"[\[<]\|?(unused|reserved|pad)\w*?\d+\|?[\]>]", re.IGNORECASE)
"""Rows kept free for later use, which no text is trained on."""


def chosen(
    pieces: Pieces, candidates: Iterable[int], texts: Sequence[str], coverage: float
) -> set[int]:
    """The smallest choice of tokens that is expected to cover so much of a text.

    Args:
        pieces: the whole vocabulary.
        candidates: tokens that may be kept; whatever they are merged from is among them.
        texts: what the vocabulary is for.
        coverage: the share of a text's tokens that shall stay what they are, 0 to 1.
    """
    kept = {number for number in candidates if not RESERVED.fullmatch(pieces.tokens[number])}
    fixed = {number for number in kept if _fixed(pieces, number)}
    worth = expected(pieces, kept, texts)
    parents = {number: pieces.parents(number) for number in kept}
    children = Counter(parent for pair in parents.values() for parent in set(pair))
    current = dict(worth)
    heap = [(current[n], n) for n in kept if n not in fixed and not children[n]]
    heapq.heapify(heap)
    spare = 1.0 - coverage
    while heap:
        value, number = heapq.heappop(heap)
        if value < current[number]:
            heapq.heappush(heap, (current[number], number))
            continue
        spare -= worth[number]
        if spare < 0:
            break
        kept.discard(number)
        for parent in parents[number]:
            current[parent] += value
        for parent in set(parents[number]):
            children[parent] -= 1
            if not children[parent] and parent not in fixed:
                heapq.heappush(heap, (current[parent], parent))
    return kept


def expected(pieces: Pieces, kept: Iterable[int], texts: Sequence[str]) -> dict[int, float]:
    """How often each token is expected, as shares of all tokens."""
    kinds: dict[str, list[int]] = {}
    for number in kept:
        kinds.setdefault(_kind(pieces, number), []).append(number)
    seen, words = _counts(Tokenizer(pieces.text), texts), _words(pieces.text)
    strength = max(PRIOR_TOKENS, sum(seen.values()))
    whole = WORDS_SHARE + sum(SHARES[kind] for kind in kinds)
    found: dict[int, float] = {}
    for kind, numbers in kinds.items():
        weights = _prior(pieces, numbers)
        scale = SHARES[kind] / sum(weights.values())
        for number, weight in weights.items():
            prior = (weight * scale + words.get(number, 0.0) * WORDS_SHARE) / whole
            found[number] = seen[number] + strength * prior
    size = sum(found.values())
    return {number: value / size for number, value in found.items()}


def _prior(pieces: Pieces, numbers: list[int]) -> Mapping[int, float]:
    """Weights of one kind's tokens: by rank, or as a Unigram vocabulary itself says."""
    if pieces.scores:
        return {number: math.exp(min(pieces.scores.get(number, -99.0), 0.0)) for number in numbers}
    order = sorted(numbers, key=lambda number: (not pieces.parents(number), number))
    return {number: (rank + OFFSET) ** -EXPONENT for rank, number in enumerate(order)}


def _counts(tokenizer: Tokenizer, texts: Sequence[str]) -> Counter[int]:
    found: Counter[int] = Counter()
    for text in texts:
        for line in text.splitlines(keepends=True):
            found.update(tokenizer.encode(line))
    return found


@lru_cache(4)
def _words(tokenizer_json: str) -> Mapping[int, float]:
    """How often the common words of English make each token, as shares that add up to one."""
    tokenizer = Tokenizer(tokenizer_json)
    words = (files("ondol_converters") / "vocabulary" / WORDS).read_text("utf-8").split()
    found: dict[int, float] = {}
    for rank, word in enumerate(words):
        frequency = 1 / (rank + WORDS_OFFSET)
        for form, share in WORD_FORMS:
            for written, part in (
                (word, 1 - CAPITALISED),
                (word.capitalize(), CAPITALISED),
            ):
                for number in tokenizer.encode(form.format(written)):
                    found[number] = found.get(number, 0.0) + frequency * share * part
    total = sum(found.values())
    return {number: value / total for number, value in found.items()}


def _kind(pieces: Pieces, number: int) -> str:
    data = pieces.spelt(number)
    word = data.strip()
    if data.isascii():
        return "latin" if word.isalpha() else "ascii"
    text = data.decode("utf-8", "ignore")
    scripts = {script_of(character) for character in text}
    for kind in ("hangul", "han"):
        if kind in scripts:
            return kind
    if not text:
        return "hangul"  # a part of a character: of three bytes, as most syllables are
    return "accented" if "latin" in scripts else "symbol"


def _fixed(pieces: Pieces, number: int) -> bool:
    """Whether a token is kept whatever it is worth: text could not be spelt without it.

    So are numbers of two digits: years, dates and times are written with all of them alike, and
    no text is long enough to show each.
    """
    if number in pieces.added or number in pieces.needed:
        return True
    text = pieces.spelt(number).decode("utf-8", "ignore").strip() or " "
    if len(text) == 2 and text.isascii() and text.isdigit():
        return True
    if len(text) > 1 or pieces.byte_level:
        return False
    return text.isascii() or script_of(text) == "hangul" or _korean_sign(text)


def _korean_sign(character: str) -> bool:
    """Whether a character is in KS X 1001, the set of signs that Korean text is written with."""
    try:
        return len(character.encode("euc_kr")) == 2
    except UnicodeEncodeError:
        return False
