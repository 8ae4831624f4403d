"""Speech levels: how politely each sentence of a text speaks, and whether all keep one level.

By the endings of sentences (표준국어대사전: 상대 높임법), without a dictionary. An ending that
several levels share (-네, -나, -ㅂ시다) fits each of them, so that it never counts as a break of
one; a fragment, a noun or a list entry fits all.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass

from ondol.errors import OptionError
from ondol.hangul.forms import composed
from ondol.hangul.level_endings import ENDINGS, NOUNS, Level
from ondol.language import say

_STOPS = ".!?…。？！\n"
_TAIL = 12  # characters of a sentence's end that endings are looked for in
_ENDINGS = tuple((re.compile(f"(?:{ending})$"), levels) for ending, levels in ENDINGS)
_CHATTER = "ㅋㅎㅠㅜㅡ"
_NOUNS = frozenset(NOUNS)
_LONG_NOUNS = tuple(noun for noun in NOUNS if len(noun) > 2)
_WHOLE = frozenset({"네", "예", "아니", "응", "그래", "아니오", "글쎄"})
"""Words that answer alone and are of several levels."""


@dataclass(frozen=True, slots=True)
class LevelledSentence:
    """A sentence of a text and how politely it speaks.

    Attributes:
        text: the sentence in NFC.
        start, end: where it stands in the text as it was given.
        level: the likeliest level.
        fits: every level that its ending may be of; all of them where `level` is UNKNOWN.
    """

    text: str
    start: int
    end: int
    level: Level
    fits: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class LevelCheck:
    """Whether a text keeps to one level: `breaks` are the sentences that cannot be of it."""

    level: Level
    breaks: tuple[LevelledSentence, ...]

    @property
    def kept(self) -> bool:
        """Whether no sentence breaks the level."""
        return not self.breaks


def speech_levels(text: str) -> list[LevelledSentence]:
    """The sentences of a text, each with its speech level.

    A sentence ends at a full stop, question or exclamation mark or ellipsis in front of a blank,
    and at the end of a line; "3.5" and '"가자."라고' go on.

    Raises:
        OptionError: if it is no text.
    """
    made, places = composed(text)
    places.append(len(text))
    found = []
    for start, end in _sentences(made):
        sentence = made[start:end]
        levels = _levels(sentence)
        first = levels[0] if levels else Level.UNKNOWN
        fits = levels or tuple(level for level in Level if level is not Level.UNKNOWN)
        found.append(LevelledSentence(sentence, places[start], places[end], first, fits))
    return found


def check_level(text: str, level: Level | str | None = None) -> LevelCheck:
    """Whether a text keeps to one speech level, and where it does not.

    Args:
        text: an answer, say.
        level: the one to keep; None: the one most sentences have, the first of equals.

    Raises:
        OptionError: if it is no text, or there is no such level.
    """
    sentences = speech_levels(text)
    if level is None:
        counts = Counter(s.level for s in sentences if s.level is not Level.UNKNOWN)
        wanted = counts.most_common(1)[0][0] if counts else Level.UNKNOWN
    else:
        wanted = _level(level)
    if wanted is Level.UNKNOWN:
        return LevelCheck(wanted, ())
    return LevelCheck(wanted, tuple(s for s in sentences if wanted not in s.fits))


def _level(name: Level | str) -> Level:
    try:
        return Level(name)
    except ValueError as exc:
        names = ", ".join(level.value for level in Level if level is not Level.UNKNOWN)
        raise OptionError(
            say(
                f"There is no speech level {name!r:.40}.", f"{name!r:.40}(이)라는 말투는 없습니다."
            ),
            say("Levels go by their Korean names.", "말투는 높임법의 이름으로 고릅니다."),
            say(f"Choose among {names}.", f"고를 수 있는 것: {names}"),
        ) from exc


def _sentences(text: str) -> list[tuple[int, int]]:
    """Where sentences start and end, without blanks around them."""
    found = []
    start = at = 0
    while at < len(text):
        if text[at] not in _STOPS:
            at += 1
            continue
        end = at
        while end < len(text) and text[end] in _STOPS and text[end] != "\n":
            end += 1
        while end < len(text) and _closes(text[end]):
            end += 1
        numbered = text[start:at].strip().isdecimal()  # the number of a list entry
        if text[at] == "\n" or (not numbered and (end == len(text) or text[end].isspace())):
            found.append((start, end))
            start = end
        at = max(end, at + 1)
    found.append((start, len(text)))
    return [span for span in (_trimmed(text, *span) for span in found) if span[0] < span[1]]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _closes(char: str) -> bool:
    return char in "\"')]}" or unicodedata.category(char) in ("Pe", "Pf")


def _levels(sentence: str) -> tuple[Level, ...]:
    """The levels that a sentence may be of, likeliest first; none where nothing says."""
    end = len(sentence)
    while end and not _spoken(sentence[end - 1]):
        # What is in brackets at the end is no part of what is said
        opened = sentence.rfind("(", 0, end) if sentence[end - 1] == ")" else -1
        end = opened if opened > 0 else end - 1
    tail = sentence[max(end - _TAIL, 0) : end]
    last = tail.split()[-1] if tail.split() else ""
    if last in _WHOLE or last in _NOUNS or last.endswith(_LONG_NOUNS):
        return ()
    for pattern, levels in _ENDINGS:
        if pattern.search(tail):
            # 자네 speaks to somebody in 하게체
            hage = Level.HAGE in levels and "자네" in sentence
            return (Level.HAGE,) if hage else levels
    return ()


def _spoken(char: str) -> bool:
    """Whether a character is of the words, and no mark, emoji or laughter behind them."""
    return char.isalnum() and char not in _CHATTER
