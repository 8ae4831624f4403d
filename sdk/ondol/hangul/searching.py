"""Search as phone books do: ㅎㄱ finds 한글, 한ㄱ and 하 find it too."""

from collections.abc import Sequence

from ondol.errors import OptionError
from ondol.hangul.forms import composed, normalise
from ondol.hangul.jamo import CODAS, ONSETS, PARTS, syllable
from ondol.language import say

Span = tuple[int, int]

_ANY_CODA = ("", *CODAS[1:])


class Query:
    """A query that was read once, to be found in many texts in time linear in each.

    An initial consonant (ㅎ) stands for every syllable that begins with it and for itself; ㄳ, as
    keyboards write ㄱ and ㅅ, for two. The last syllable of a query may still be growing, as while
    it is typed: 하 finds 한, 달 finds 닭, and 한 finds 하나. Upper and lower case, full and half
    width are alike; blanks do not count, in the query and in the text.

    Args:
        text: what is looked for.
        growing: whether the last syllable may have more in the text.

    Raises:
        OptionError: if there is nothing to look for.
    """

    def __init__(self, text: str, *, growing: bool = True) -> None:
        chars = [c for char in normalise(text) if not char.isspace() for c in _folded(char)]
        if not chars:
            raise OptionError(
                say("There is nothing to search for.", "찾을 말이 없습니다."),
                say("The query is empty or blank.", "검색어가 비어 있거나 빈칸뿐입니다."),
                say("Write at least one letter.", "한 글자 이상 쓰세요."),
            )
        wanted = [_matches(char) for char in chars]
        self._patterns = [_Pattern(wanted)]
        if growing:
            grown = wanted[-1] | _grown(chars[-1])
            self._patterns = [_Pattern([*wanted[:-1], grown])]
            self._patterns += (_Pattern([*wanted[:-1], *two]) for two in _gone_over(chars[-1]))

    def find(self, text: str) -> Span | None:
        """Where a text first holds the query: start and end in the text as it was given.

        Raises:
            OptionError: if it is no text.
        """
        made, places = composed(text)
        places.append(len(text))
        states = [0] * len(self._patterns)
        read: list[int] = []
        for at, char in enumerate(made):
            if char.isspace():
                continue
            for part in _folded(char):
                read.append(at)
                for number, pattern in enumerate(self._patterns):
                    state = (states[number] << 1 | 1) & pattern.masks.get(part, 0)
                    if state & pattern.last:
                        return places[read[-pattern.size]], places[at + 1]
                    states[number] = state
        return None


class _Pattern:
    """Sets of characters in a row, found by Shift-And: bit i is set where the i-th set matches."""

    def __init__(self, wanted: Sequence[set[str]]) -> None:
        self.size = len(wanted)
        self.last = 1 << self.size - 1
        self.masks: dict[str, int] = {}
        for at, chars in enumerate(wanted):
            for char in chars:
                self.masks[char] = self.masks.get(char, 0) | 1 << at


def find_choseong(query: str, text: str) -> Span | None:
    """Where a text first holds a query of initials and syllables: find_choseong("ㅎㄱ", "한글").

    Returns:
        Start and end in the text as it was given; None where it is not there.

    Raises:
        OptionError: if there is nothing to look for, or it is no text.
    """
    return Query(query).find(text)


def _folded(char: str) -> str:
    """A character as it is compared: one, or the two keys of a consonant such as ㄳ."""
    plain = normalise(char).casefold()[:1]
    return PARTS.get(plain, plain) if plain < "ㅏ" else plain


def _matches(char: str) -> set[str]:
    if char in ONSETS:
        first = 0xAC00 + ONSETS.index(char) * 588
        return {char, *map(chr, range(first, first + 588))}
    return {char}


def _grown(char: str) -> set[str]:
    """What a syllable that is being typed may become: more coda, or a longer one."""
    found = syllable(char)
    if found is None:
        return set()
    codas = {c for c in _ANY_CODA if not found.coda or PARTS.get(c, c).startswith(found.coda)}
    return {str(found._replace(coda=coda)) for coda in codas}


def _gone_over(char: str) -> list[list[set[str]]]:
    """What a syllable becomes where its coda begins the next: 한 is 하 and ㄴ, 닭 달 and ㄱ."""
    found = syllable(char)
    if found is None or not found.coda:
        return []
    keys = PARTS.get(found.coda, found.coda)
    return [[{str(found._replace(coda=keys[:-1]))}, _matches(keys[-1])]]
