"""Syllables to jamo and back (Unicode 3.12, conjoining jamo behaviour), and initials."""

from typing import NamedTuple

from ondol.hangul.given import given

FIRST, LAST = 0xAC00, 0xD7A3
ONSETS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
CODAS = ("", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ")
PARTS = dict(
    zip("ㅘㅙㅚㅝㅞㅟㅢ", ("ㅗㅏ", "ㅗㅐ", "ㅗㅣ", "ㅜㅓ", "ㅜㅔ", "ㅜㅣ", "ㅡㅣ"), strict=True)
) | dict(
    zip(
        "ㄳㄵㄶㄺㄻㄼㄽㄾㄿㅀㅄ",
        ("ㄱㅅ", "ㄴㅈ", "ㄴㅎ", "ㄹㄱ", "ㄹㅁ", "ㄹㅂ", "ㄹㅅ", "ㄹㅌ", "ㄹㅍ", "ㄹㅎ", "ㅂㅅ"),
        strict=True,
    )
)
"""Vowels and codas that two keys make."""

_WHOLE = {parts: whole for whole, parts in PARTS.items()}
_ONSET = {jamo: at for at, jamo in enumerate(ONSETS)}
_VOWEL = {jamo: at for at, jamo in enumerate(VOWELS)}
_CODA = {jamo: at for at, jamo in enumerate(CODAS)}


class Syllable(NamedTuple):
    """One syllable as compatibility jamo; `coda` is empty without a batchim."""

    onset: str
    vowel: str
    coda: str = ""

    def __str__(self) -> str:
        at = (_ONSET[self.onset] * len(VOWELS) + _VOWEL[self.vowel]) * len(CODAS)
        return chr(FIRST + at + _CODA[self.coda])


def syllable(char: str) -> Syllable | None:
    """The jamo of a composed syllable; None for any other character."""
    if len(char) != 1 or not FIRST <= ord(char) <= LAST:
        return None
    rest, coda = divmod(ord(char) - FIRST, len(CODAS))
    onset, vowel = divmod(rest, len(VOWELS))
    return Syllable(ONSETS[onset], VOWELS[vowel], CODAS[coda])


def decompose(text: str, *, parts: bool = False) -> str:
    """A text with each syllable as compatibility jamo: 값 is ㄱㅏㅄ; the rest stays.

    Args:
        text: in any normal form.
        parts: whether jamo of two keys come apart too: 값 is ㄱㅏㅂㅅ, 과 is ㄱㅗㅏ.

    Raises:
        OptionError: if it is no text.
    """
    made = "".join("".join(syllable(char) or char) for char in given(text))
    return "".join(PARTS.get(char, char) for char in made) if parts else made


def compose(text: str) -> str:
    """A text with compatibility jamo made into syllables as a keyboard would: ㅎㅏㄴㄱㅡㄹ is 한글.

    A consonant before a vowel begins a syllable. Jamo that make none (ㅋㅋ, ㅠㅠ) stay.

    Raises:
        OptionError: if it is no text.
    """
    chars = given(text)
    made: list[str] = []
    at = 0
    while at < len(chars):
        if at + 1 < len(chars) and chars[at] in _ONSET and chars[at + 1] in _VOWEL:
            vowel, coda_at = _joined(chars, at + 1, _VOWEL)
            coda, end = _coda(chars, coda_at)
            made.append(str(Syllable(chars[at], vowel, coda)))
            at = end
        else:
            made.append(chars[at])
            at += 1
    return given("".join(made))


def _joined(chars: str, at: int, known: dict[str, int]) -> tuple[str, int]:
    """The jamo at a place, of two keys where they make one, and the place after it."""
    both = _WHOLE.get(chars[at : at + 2], "")
    return (both, at + 2) if both and both in known else (chars[at], at + 1)


def _coda(chars: str, at: int) -> tuple[str, int]:
    """The coda at a place, none where its jamo begins the next syllable, and what follows."""

    def vowel(place: int) -> bool:
        return place < len(chars) and chars[place] in _VOWEL

    if at >= len(chars) or chars[at] not in _CODA or (chars[at] in _ONSET and vowel(at + 1)):
        return "", at
    coda, end = _joined(chars, at, _CODA)
    return (chars[at], at + 1) if end == at + 2 and vowel(end) else (coda, end)


def choseong(text: str) -> str:
    """A text with each syllable as its initial consonant: 한글 3호 is ㅎㄱ 3ㅎ.

    Raises:
        OptionError: if it is no text.
    """
    return "".join(found.onset if (found := syllable(char)) else char for char in given(text))


def has_batchim(char: str) -> bool:
    """Whether a text's last character is a syllable with a final consonant.

    Raises:
        OptionError: if it is no text.
    """
    last = syllable(given(char)[-1:])
    return bool(last and last.coda)
