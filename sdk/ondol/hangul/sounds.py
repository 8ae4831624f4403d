"""How syllables sound side by side (표준 발음법), without tensing, which no letter shows.

One pass over the syllables of a word, each pair once. What follows from how words are built and
not from how they are written (ㄴ added in compounds, 제29항; ㄴㄴ for ㄴㄹ, 제20항) is a table
and a rule of thumb.
"""

from collections.abc import Sequence

from ondol.hangul.jamo import Syllable, syllable

_ADDED = (
    *(
        "학여울",
        "알약",
        "물약",
        "한여름",
        "꽃잎",
        "나뭇잎",
        "깻잎",
        "솜이불",
        "홑이불",
        "맨입",
        "막일",
    ),
    *("삯일", "들일", "색연필", "직행열차", "늑막염", "콩엿", "물엿", "담요", "눈요기", "영업용"),
    *("식용유", "휘발유", "백분율", "솔잎", "설익다", "남존여비", "신여성", "내복약", "국민윤리"),
    *("풀잎", "불여우", "서울역", "집안일", "앞일", "뒷일", "십육", "백육"),
)
"""Words whose last element with 이, 야, 여, 요, 유 gets a ㄴ, or ㄹ behind ㄹ (제29항)."""

_ADDED_AT = {
    word: next(
        at
        for at in range(len(word) - 1, 0, -1)
        if (found := syllable(word[at])) and found.onset == "ㅇ" and found.vowel in "ㅣㅑㅕㅛㅠ"
    )
    for word in _ADDED
} | {
    "직행열차": 2,
    "설익다": 1,
    "남존여비": 2,
    "신여성": 1,
    "국민윤리": 2,
    "불여우": 1,
    "색연필": 1,
}
_LONGEST = max(map(len, _ADDED_AT))

_SUFFIXES = frozenset("란량력령례로론료류")
"""Endings of Sino-Korean words before which ㄴ stays and ㄹ becomes ㄴ (신문로, 생산량)."""

_ONE_WORD = ("대관령", "천리", "만리")
"""Words that end so and do not."""

_CODAS = {
    **dict.fromkeys("ㄱㄲㅋㄳㄺ", "ㄱ"),
    **dict.fromkeys("ㄷㅌㅅㅆㅈㅊㅎ", "ㄷ"),
    **dict.fromkeys("ㅂㅍㅄㄿ", "ㅂ"),
    **dict.fromkeys("ㄹㄼㄽㄾㅀ", "ㄹ"),
    **dict.fromkeys("ㄴㄵㄶ", "ㄴ"),
    **dict.fromkeys("ㅁㄻ", "ㅁ"),
    "ㅇ": "ㅇ",
    "": "",
}
_MOVES = {
    **{coda: ("", coda) for coda in "ㄱㄲㄴㄷㄹㅁㅂㅅㅆㅈㅊㅋㅌㅍ"},
    "ㄳ": ("ㄱ", "ㅅ"),
    "ㄵ": ("ㄴ", "ㅈ"),
    "ㄺ": ("ㄹ", "ㄱ"),
    "ㄻ": ("ㄹ", "ㅁ"),
    "ㄼ": ("ㄹ", "ㅂ"),
    "ㄽ": ("ㄹ", "ㅅ"),
    "ㄾ": ("ㄹ", "ㅌ"),
    "ㄿ": ("ㄹ", "ㅍ"),
    "ㅄ": ("ㅂ", "ㅅ"),
    "ㅎ": ("", "ㅇ"),
    "ㄶ": ("", "ㄴ"),
    "ㅀ": ("", "ㄹ"),
    "ㅇ": ("ㅇ", "ㅇ"),
}
"""What of a coda stays, and what becomes the next onset, before a vowel (제13, 14, 12항)."""

_PALATAL = {"ㄷ": ("", "ㅈ"), "ㅌ": ("", "ㅊ"), "ㄾ": ("ㄹ", "ㅊ")}
_WITH_H = {"ㄱ": "ㅋ", "ㄷ": "ㅌ", "ㅂ": "ㅍ", "ㅈ": "ㅊ"}
_BEFORE_H = {"ㅎ": "", "ㄶ": "ㄴ", "ㅀ": "ㄹ"}
_HARD = {
    "ㄱ": ("", "ㅋ"),
    "ㄺ": ("ㄹ", "ㅋ"),
    "ㅂ": ("", "ㅍ"),
    "ㄼ": ("ㄹ", "ㅍ"),
    "ㄷ": ("", "ㅊ"),
    "ㅈ": ("", "ㅊ"),
    "ㄵ": ("ㄴ", "ㅊ"),
}
"""Verb stems before 히 and 혀 (제12항, 제17항): 잡혀, 굳히다, 앉히다."""

_NASAL = {"ㄱ": "ㅇ", "ㄷ": "ㄴ", "ㅂ": "ㅁ"}


def spoken(word: Sequence[Syllable]) -> list[Syllable]:
    """The syllables of a word as they sound; the same number of them.

    ㄱ, ㄷ, ㅂ before ㅎ stay as nouns have them (묵호), but before 히 and 혀 (잡혀).
    """
    made = list(word)
    whole = "".join(map(str, word))
    added = _additions(whole)
    for at in range(len(made)):
        following = made[at + 1] if at + 1 < len(made) else None
        if following is None:
            made[at] = made[at]._replace(coda=_CODAS[made[at].coda])
            continue
        keeps = at + 2 == len(made) > 2 and whole[-1] in _SUFFIXES and whole not in _ONE_WORD
        coda, onset = _meet(made[at], following, at + 1 in added, keeps)
        made[at] = made[at]._replace(coda=coda)
        made[at + 1] = following._replace(onset=onset)
    return made


def _additions(word: str) -> set[int]:
    """Places of the syllables that get a ㄴ in front."""
    found = set()
    for start in range(len(word) - 1):
        for size in range(2, min(_LONGEST, len(word) - start) + 1):
            at = _ADDED_AT.get(word[start : start + size])
            if at is not None:
                found.add(start + at)
    return found


def _meet(left: Syllable, right: Syllable, added: bool, keeps: bool) -> tuple[str, str]:
    """The coda and the onset that two syllables have between them."""
    coda, onset, vowel = left.coda, right.onset, right.vowel
    if added and coda:
        coda, onset = _CODAS[coda], "ㄴ"
    elif onset == "ㅇ" and vowel in "ㅣㅕ" and coda in _PALATAL:
        return _PALATAL[coda]
    elif onset == "ㅇ" and coda:
        return _MOVES[coda]
    elif coda in _BEFORE_H:
        stays = _BEFORE_H[coda]
        if onset in _WITH_H:
            return stays, _WITH_H[onset]
        if onset == "ㅅ":
            return stays, onset
        coda = stays or ("ㄴ" if onset == "ㄴ" else "ㄷ")
    elif onset == "ㅎ" and coda in _HARD and str(right)[0] in "히혀혔힌힐힙":
        return _HARD[coda]
    coda = _CODAS[coda]
    return _assimilated(coda, onset, keeps)


def _assimilated(coda: str, onset: str, keeps: bool) -> tuple[str, str]:
    """제18항 to 제20항: ㄱㄷㅂ before nasals and ㄹ, ㄹ behind other consonants, ㄴ beside ㄹ."""
    if onset == "ㄹ" and coda in ("ㅁ", "ㅇ", "ㄱ", "ㄷ", "ㅂ"):
        onset = "ㄴ"
    if onset in "ㄴㅁ" and coda in _NASAL:
        return _NASAL[coda], onset
    if coda == "ㄴ" and onset == "ㄹ":
        return ("ㄴ", "ㄴ") if keeps else ("ㄹ", "ㄹ")
    return coda, "ㄹ" if coda == "ㄹ" and onset == "ㄴ" else onset


def linked(word: Sequence[Syllable]) -> list[Syllable]:
    """The syllables of a word with codas moved to vowels behind them, and no other change."""
    made = list(word)
    for at, left in enumerate(word):
        coda = made[at].coda
        if at + 1 < len(word) and word[at + 1].onset == "ㅇ" and coda not in ("", "ㅇ"):
            stays, moves = _MOVES[coda]
            made[at] = made[at]._replace(coda=_CODAS[stays])
            made[at + 1] = word[at + 1]._replace(onset=moves)
        else:
            made[at] = left._replace(onset=made[at].onset, coda=_CODAS[coda])
    return made
