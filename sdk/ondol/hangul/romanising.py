"""Romanisation: 국어의 로마자 표기법 (문화체육관광부 고시 제2014-42호), by sound and by letter."""

import re
from collections.abc import Sequence
from typing import Literal

from ondol.errors import OptionError
from ondol.hangul.given import given
from ondol.hangul.jamo import CODAS, ONSETS, PARTS, VOWELS, Syllable, syllable
from ondol.hangul.numerals import MOST_DIGITS, sino
from ondol.hangul.sounds import linked, spoken
from ondol.language import say

Kind = Literal["word", "name", "place"]


def _table(jamo: Sequence[str], letters: str) -> dict[str, str]:
    return dict(zip(jamo, letters.split(), strict=True)) | {"ㅇ": ""}


_ONSETS = _table(ONSETS, "g kk n d tt r m b pp s ss ng j jj ch k t p h")
_VOWELS = _table(VOWELS, "a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i")
_SPOKEN_CODAS = {
    "": "",
    "ㄱ": "k",
    "ㄴ": "n",
    "ㄷ": "t",
    "ㄹ": "l",
    "ㅁ": "m",
    "ㅂ": "p",
    "ㅇ": "ng",
}
_LETTERS = _ONSETS | {"ㄹ": "l"}
_WRITTEN_CODAS = {
    coda: "".join(_LETTERS[part] for part in PARTS.get(coda, coda)) for coda in CODAS
} | {"ㅇ": "ng"}

_WORD = re.compile("[가-힣]+")
_COUNTED = re.compile("(?<![0-9])([0-9]+)(가|동|리)(?![가-힣])")
_DIVISIONS = _table("도시군구읍면리동가", "do si gun gu eup myeon ri dong ga")
_SURNAMES = ("남궁", "황보", "제갈", "선우", "사공", "독고", "서문", "동방", "망절")
_RUN_TOGETHER = ("ae", "eo", "eu", "oe", "ui")


def romanise(text: str, *, kind: Kind = "word", hyphen: bool = False, capital: bool = False) -> str:
    """A text with its Hangul in Latin letters, by sound: 백마 is baengma, 같이 gachi.

    Tensing is not written, nor ㅎ into a noun's ㄱ, ㄷ, ㅂ (제3장 제1항). Each word stands alone.
    ㄴ that is added in compounds (학여울) is known for a list of words.

    Args:
        text: in any normal form; what is no Hangul stays.
        kind: "word"; "name": of a person, surname apart, its syllables unchanged (Hong Bitna,
            제4항); "place": with its division behind a hyphen (Jongno 2(i)-ga, 제5항).
        hyphen: whether one stands where syllables could be read wrongly (Jung-ang, 제2항), and
            between the syllables of a name.
        capital: whether each word begins with a capital; names and places always do.

    Raises:
        OptionError: if it is no text, or there is no such kind.
    """
    if kind not in ("word", "name", "place"):
        raise OptionError(
            say(f"There is no kind {kind!r:.40}.", f"{kind!r:.40}(이)라는 종류는 없습니다."),
            say("Words, names and places differ.", "낱말, 이름, 땅이름을 적는 법이 다릅니다."),
            say("Choose word, name or place.", "word, name, place 중에서 고르세요."),
        )
    whole = given(text)
    if kind == "place":
        whole = _COUNTED.sub(_counted, whole)

    def written(found: re.Match[str]) -> str:
        word = found[0]
        if kind == "name":
            return _name(word, hyphen)
        if kind == "place" and len(word) > 1 and word[-1] in _DIVISIONS:
            return f"{_capital(_word(word[:-1], hyphen))}-{_DIVISIONS[word[-1]]}"
        made = _word(word, hyphen)
        return _capital(made) if capital or kind == "place" else made

    return _WORD.sub(written, whole)


def transliterate(text: str) -> str:
    """A text with its Hangul in Latin letters, letter by letter, so that it can be read back.

    제3장 제8항, for scholarly use: 없었습니다 is eobs-eoss-seubnida.

    Raises:
        OptionError: if it is no text.
    """

    def written(found: re.Match[str]) -> str:
        made: list[str] = []
        for onset, vowel, coda in _parts(found[0]):
            letters = _LETTERS[onset] + _VOWELS[vowel] + _WRITTEN_CODAS[coda]
            if made and (onset == "ㅇ" or made[-1][-1] == letters[0]):
                letters = f"-{letters}"
            made.append(letters)
        return "".join(made)

    return _WORD.sub(written, given(text))


def _parts(word: str) -> list[Syllable]:
    """The syllables of a word of nothing else."""
    return [found for char in word if (found := syllable(char))]


def _word(word: str, hyphen: bool) -> str:
    return _letters(spoken(_parts(word)), hyphen)


def _letters(syllables: Sequence[Syllable], hyphen: bool) -> str:
    made: list[str] = []
    before = ""
    for onset, vowel, coda in syllables:
        first = "l" if onset == "ㄹ" and before == "l" else _ONSETS[onset]
        now = first + _VOWELS[vowel]
        if hyphen and made and _unclear(made[-1], now):
            made.append("-")
        before = _SPOKEN_CODAS[coda]
        made.append(now + before)
    return "".join(made)


def _unclear(left: str, right: str) -> bool:
    """Whether letters on both sides of a border would be read as one sound."""
    if left.endswith("ng"):
        return right[0] in "aeiouwy"
    return left[-1] + right[0] in (*_RUN_TOGETHER, "ng")


def _name(word: str, hyphen: bool) -> str:
    size = 2 if len(word) > 2 and word.startswith(_SURNAMES) else 1
    first, rest = word[:size], word[size:]
    surname = _capital(_letters(linked(_parts(first)), False))
    if not rest:
        return surname
    if hyphen:
        parts = [_letters(linked(_parts(char)), False) for char in rest]
        return f"{surname} {_capital('-'.join(parts))}"
    return f"{surname} {_capital(_letters(linked(_parts(rest)), False))}"


def _counted(found: re.Match[str]) -> str:
    number, division = found.groups()
    before = found.string[found.start() - 1 : found.start()]
    gap = " " if syllable(before) else ""
    said = _word(sino(int(number)), False) if len(number) <= MOST_DIGITS else number
    return f"{gap}{number}({said})-{_DIVISIONS[division]}"


def _capital(letters: str) -> str:
    return letters[:1].upper() + letters[1:]
