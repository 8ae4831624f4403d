"""Search as phone books do: ㅎㄱ finds 한글, 한ㄱ and 하 find it too."""

from ondol.errors import OptionError
from ondol.hangul.forms import composed, normalise
from ondol.hangul.jamo import CODAS, ONSETS, PARTS, syllable
from ondol.language import say

Span = tuple[int, int]

_ANY_CODA = ("", *CODAS[1:])


class Query:
    """A query that was read once, to be found in many texts in time linear in each.

    An initial consonant (ㅎ) stands for every syllable that begins with it and for itself. The
    last syllable of a query may still be growing, as while it is typed: 하 finds 한, 달 finds 닭
    and 다 finds 닭 too. Upper and lower case, full and half width are alike; blanks do
    not count, in the query and in the text.

    Args:
        text: what is looked for.
        growing: whether the last syllable may have more in the text.

    Raises:
        OptionError: if there is nothing to look for.
    """

    def __init__(self, text: str, *, growing: bool = True) -> None:
        folded = [_folded(char) for char in normalise(text) if not char.isspace()]
        if not folded:
            raise OptionError(
                say("There is nothing to search for.", "찾을 말이 없습니다."),
                say("The query is empty or blank.", "검색어가 비어 있거나 빈칸뿐입니다."),
                say("Write at least one letter.", "한 글자 이상 쓰세요."),
            )
        self._wanted = [_matches(char) for char in folded]
        if growing:
            self._wanted[-1] |= _grown(folded[-1])
        # Bit i of a mask: the i-th of the wanted characters takes this one (Shift-And)
        self._masks: dict[str, int] = {}
        for at, wanted in enumerate(self._wanted):
            for char in wanted:
                self._masks[char] = self._masks.get(char, 0) | 1 << at
        self._last = 1 << len(self._wanted) - 1

    def find(self, text: str) -> Span | None:
        """Where a text first holds the query: start and end in the text as it was given.

        Raises:
            OptionError: if it is no text.
        """
        made, places = composed(text)
        places.append(len(text))
        state, read = 0, []
        for at, char in enumerate(made):
            if char.isspace():
                continue
            read.append(at)
            state = (state << 1 | 1) & self._masks.get(_folded(char), 0)
            if state & self._last:
                return places[read[-len(self._wanted)]], places[at + 1]
        return None


def find_choseong(query: str, text: str) -> Span | None:
    """Where a text first holds a query of initials and syllables: find_choseong("ㅎㄱ", "한글").

    Returns:
        Start and end in the text as it was given; None where it is not there.

    Raises:
        OptionError: if there is nothing to look for, or it is no text.
    """
    return Query(query).find(text)


def _folded(char: str) -> str:
    """One character for one, so that places stay."""
    return normalise(char).casefold()[:1]


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
